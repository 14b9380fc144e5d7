/**
 * Well-formed text of at most `bytesMax` UTF-8 bytes, ending in `…` where something was cut. Receivers count bytes: the API server's
 * limit of 1,024 for an Event's note is one of bytes.
 */
export function cutText(text: string, bytesMax: number): string {
  const sound = text.toWellFormed();
  if (Buffer.byteLength(sound) <= bytesMax) return sound;
  const room = bytesMax - Buffer.byteLength('…');
  let bytes = 0;
  let kept = '';
  for (const character of sound) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    kept += character;
  }
  return `${kept}…`;
}
