/** Images: probes, drawing on a canvas, a photo of one's own. Float32Arrays (size, size, 3) in [0, 1]. */

const TILES = 3;

/** What a probe shows of an image: all of it, one channel, or one channel in each of 3x3 tiles. */
export function probed(image, size, probe) {
  if (probe === "rgb") return image;
  const shown = (row, column) => {
    if (probe !== "mosaic") return "rgb".indexOf(probe);
    return (Math.floor((row * TILES) / size) + Math.floor((column * TILES) / size)) % 3;
  };
  return image.map((value, i) => {
    const pixel = Math.floor(i / 3);
    return shown(Math.floor(pixel / size), pixel % size) === i % 3 ? value : 0;
  });
}

/** Draw an image on a canvas of as many pixels; CSS makes it larger. */
export function draw(canvas, image, size) {
  canvas.width = canvas.height = size;
  const pixels = new Uint8ClampedArray(4 * size * size).fill(255);
  for (let i = 0; i < size * size; i++)
    for (let channel = 0; channel < 3; channel++) pixels[4 * i + channel] = Math.round(255 * image[3 * i + channel]);
  canvas.getContext("2d").putImageData(new ImageData(pixels, size, size), 0, 0);
}

/** Grey (side, side) between its own smallest and largest value. */
export function drawGrey(canvas, values, side) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const span = high - low || 1;
  draw(canvas, Float32Array.from({ length: 3 * values.length }, (_, i) => (values[Math.floor(i / 3)] - low) / span), side);
}

/** A latent as grey: one channel, or with -1 the mean of all. */
export function greyOf(latent, side, channel) {
  const pixels = side * side;
  const parts = latent.map((part) => ({ part, width: part.length / pixels }));
  return Float32Array.from({ length: pixels }, (_, pixel) => {
    if (channel >= 0) {
      const { part, width } = parts[channel % parts.length];
      return part[pixel * width + Math.floor(channel / parts.length)];
    }
    let sum = 0;
    let count = 0;
    for (const { part, width } of parts)
      for (let i = 0; i < width; i++, count++) sum += part[pixel * width + i];
    return sum / count;
  });
}

/** The difference of two images: grey 0.5 where they agree. */
export function difference(a, b) {
  return a.map((value, i) => Math.min(1, Math.max(0, 0.5 + (value - b[i]) / 2)));
}

/** A file of the user's as a picture, upright as its EXIF says; throws where the browser cannot read it. */
export const readPicture = (file) => createImageBitmap(file);

/**
 * The square of a picture, scaled down to the network's size by averaging.
 * @param {ImageBitmap} picture
 * @param {{x: number, y: number, side: number}} square in px of the picture
 * @param {number} size
 */
export function cut(picture, { x, y, side }, size) {
  let canvas = new OffscreenCanvas(1, 1);
  let [from, left, top, width] = [picture, x, y, side];
  for (let next = Math.max(size, Math.floor(side / 2)); ; next = Math.max(size, Math.floor(width / 2))) {
    canvas = new OffscreenCanvas(next, next); // by halves: one large step would skip pixels
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, next, next);
    context.drawImage(from, left, top, width, width, 0, 0, next, next);
    if (next === size) break;
    [from, left, top, width] = [canvas, 0, 0, next];
  }
  const { data } = canvas.getContext("2d").getImageData(0, 0, size, size);
  return Float32Array.from({ length: 3 * size * size }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)] / 255);
}
