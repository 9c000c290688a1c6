#!/usr/bin/env bash
# Run by LocalStack's image once it is ready.
set -euo pipefail
for bucket in kafscale-data lake; do awslocal s3api create-bucket --bucket "$bucket"; done
