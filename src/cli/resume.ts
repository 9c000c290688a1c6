import { pauseCommandOf } from './pause-command.ts'

/** `resume`: topics that were paused go on. */
export const resumeCommand = pauseCommandOf('resume', {
  description: 'Lets topics of the document go on that were paused. A running service sees it within about one commit interval.',
  examples: [
    ['resume -f spec.yaml orders', 'Let one topic go on:'],
    ['resume -f spec.yaml', 'Let all topics of the document go on:'],
  ],
})
