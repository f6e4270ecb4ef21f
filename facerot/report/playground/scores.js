/**
 * The scores of `facerot/measure/scores.py`, by the same formulas (docs/definitions.md).
 *
 * Images are Float32Arrays (size, size, 3) in [0, 1]; grey ones (size, size).
 */

const STRUCTURE_SIGMA = 4; // px
const FLAT = 1e-4;

/** A region: rows and columns [from, to). */
export const window_ = (size, [left, top, right, bottom]) => ({
  rows: [roundHalfEven(top * size), roundHalfEven(bottom * size)],
  columns: [roundHalfEven(left * size), roundHalfEven(right * size)],
});

/** As Python rounds. */
function roundHalfEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

/** Mean squared error. */
export function mse(o, y) {
  let sum = 0;
  for (let i = 0; i < o.length; i++) sum += (o[i] - y[i]) ** 2;
  return sum / o.length;
}

/** 1: all colour of the full output; 0: as wrong as grey; NaN where the full output is grey. */
export function colourKept(o, full, size, region) {
  const a = chroma(within(o, size, region, 3));
  const b = chroma(within(full, size, region, 3));
  let lost = 0;
  let whole = 0;
  for (let i = 0; i < a.length; i++) {
    lost += (a[i] - b[i]) ** 2;
    whole += b[i] ** 2;
  }
  return whole > 0 ? 1 - lost / whole : NaN;
}

/** front_match, side_match and rotation: correlations of the structure of o with that of y, of x. */
export function rotationScores(o, x, y, size, region) {
  const [out, side, front] = [o, x, y].map((image) => within(structure(image, size), size, region, 1));
  const frontMatch = correlation(out, front);
  const sideMatch = correlation(out, side);
  return { frontMatch, sideMatch, rotation: frontMatch - sideMatch };
}

function luma(image) {
  const y = new Float32Array(image.length / 3);
  for (let i = 0; i < y.length; i++) y[i] = 0.299 * image[3 * i] + 0.587 * image[3 * i + 1] + 0.114 * image[3 * i + 2];
  return y;
}

function chroma(image) {
  const y = luma(image);
  const c = new Float32Array(2 * y.length);
  for (let i = 0; i < y.length; i++) {
    c[2 * i] = (image[3 * i + 2] - y[i]) / 1.772;
    c[2 * i + 1] = (image[3 * i] - y[i]) / 1.402;
  }
  return c;
}

function structure(image, size) {
  const y = luma(image);
  const smooth = blur(y, size, STRUCTURE_SIGMA);
  return y.map((value, i) => value - smooth[i]);
}

/** A Gaussian cut at 3 sigma, edges repeated. */
function blur(image, size, sigma) {
  const radius = Math.max(1, Math.round(3 * sigma));
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const along = (source, step, across) => {
    const y = new Float32Array(source.length);
    for (let line = 0; line < size; line++)
      for (let i = 0; i < size; i++) {
        let sum = 0;
        for (let tap = -radius; tap <= radius; tap++) {
          const at = Math.min(size - 1, Math.max(0, i + tap));
          sum += weights[tap + radius] * source[line * across + at * step];
        }
        y[line * across + i * step] = sum / total;
      }
    return y;
  };
  return along(along(image, 1, size), size, 1);
}

/** Pearson correlation; 0 where one of them is flat. */
function correlation(a, b) {
  const [x, y] = [a, b].map(centred);
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xx += x[i] * x[i];
    yy += y[i] * y[i];
    xy += x[i] * y[i];
  }
  const deviation = Math.sqrt(Math.min(xx, yy) / (x.length - 1));
  return deviation < FLAT ? 0 : xy / Math.sqrt(xx * yy);
}

function centred(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Float64Array.from(values, (value) => value - mean);
}

/** The pixels of a region, of `channels` each. */
function within(image, size, region, channels) {
  if (!region) return image;
  const [top, bottom] = region.rows;
  const [left, right] = region.columns;
  const lines = [];
  for (let row = top; row < bottom; row++)
    lines.push(image.subarray((row * size + left) * channels, (row * size + right) * channels));
  const found = new Float32Array((bottom - top) * (right - left) * channels);
  lines.forEach((line, i) => found.set(line, i * line.length));
  return found;
}
