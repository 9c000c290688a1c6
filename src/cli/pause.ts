import { pauseCommandOf } from './pause-command.ts'

/** `pause`: topics stand still until they are resumed. */
export const pauseCommand = pauseCommandOf('pause', {
  description:
    'Pauses topics of the document: nobody who serves it begins anything with them until they are resumed, whatever is restarted or lost, since the request lies in the tables. What is under way is finished and committed. A running service sees it within about one commit interval.\n\nA table that is not there yet is made to hold the request.',
  examples: [
    ['pause -f spec.yaml orders', 'Pause one topic:'],
    ["pause -f spec.yaml 'orders-*' --json", 'Pause all topics that a glob matches, and say so to a program:'],
    ['pause -f spec.yaml', 'Pause all topics of the document:'],
  ],
})
