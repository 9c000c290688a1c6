use crate::f;
use arrow_schema::*;
use std::sync::Arc;
/// The fields that a `columns.tsv` says, a name and a type a line, with field ids from 10 on.
/// Types: string, int, long, double, boolean, timestamptz, list<type>, struct<name: type, ...>; those in list and struct are plain.
pub fn fields_of(text: &str) -> Vec<Field> {
    let mut id = 9;
    text.lines()
        .map(|line| {
            let (name, written) = line.split_once('\t').expect("a name, a tab, a type");
            id += 1;
            let own = id;
            f(name, type_of(written, &mut id), true, own)
        })
        .collect()
}
fn type_of(written: &str, id: &mut i32) -> DataType {
    if let Some(inner) = inside(written, "list<") {
        *id += 1;
        let own = *id;
        return DataType::List(Arc::new(f("element", type_of(inner, id), true, own)));
    }
    if let Some(inner) = inside(written, "struct<") {
        let fields: Vec<Field> = inner
            .split(", ")
            .map(|field| {
                let (name, written) = field.split_once(": ").expect("a name, a colon, a type");
                *id += 1;
                let own = *id;
                f(name, type_of(written, id), true, own)
            })
            .collect();
        return DataType::Struct(fields.into());
    }
    match written {
        "string" => DataType::Utf8,
        "int" => DataType::Int32,
        "long" => DataType::Int64,
        "double" => DataType::Float64,
        "boolean" => DataType::Boolean,
        "timestamptz" => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        _ => panic!("no such type here: {written}"),
    }
}
fn inside<'a>(written: &'a str, opening: &str) -> Option<&'a str> {
    written.strip_prefix(opening)?.strip_suffix('>')
}
