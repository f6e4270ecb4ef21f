/**
 * The network of `facerot/model.py`, in the page: what encode and decode do there, they do here.
 *
 * Tensors are Float32Arrays, the channel the fastest index: (row, column, channel).
 */

const STAGES = 5;
const KERNEL = 4;
const INSTANCE_EPSILON = 1e-5; // of torch.nn.InstanceNorm2d

/**
 * @typedef {object} Layer A convolution of 4x4, stride 2; batch normalisation is folded into it.
 * @property {number} inputs channels
 * @property {number} outputs channels
 * @property {Float32Array} weights (4, 4, inputs, outputs)
 * @property {Float32Array} bias (outputs)
 * @property {Float32Array=} gain (outputs) of instance normalisation, where there is one
 * @property {Float32Array=} offset (outputs)
 *
 * @typedef {object} Architecture As in weights.safetensors.
 * @property {number[]} concats which ConcatK there are
 * @property {"concat"|"add"} merge
 * @property {"joint"|"separate"} colour
 *
 * @typedef {Float32Array[]} Latent One array; of colours by themselves three: r, g, b.
 */

export class Network {
  /**
   * @param {Architecture} architecture
   * @param {Object<string, Layer>} layers down1 .. down5, up1 .. up5
   * @param {number} size of the image, in px
   */
  constructor(architecture, layers, size) {
    Object.assign(this, { ...architecture, layers, size });
    this.groups = this.colour === "separate" ? 3 : 1;
    /** The latents that reach the decoder. */
    this.latents = [...this.concats, STAGES];
  }

  /**
   * @param {Float32Array} image (size, size, 3) in [0, 1]
   * @returns {Latent[]} latent1 .. latent5
   */
  encode(image) {
    let parts = this.groups === 1 ? [image] : apart(image);
    let side = this.size;
    const latents = [];
    for (let k = 1; k <= STAGES; k++) {
      parts = parts.map((x) => leaky(norm(down(x, side, this.layers[`down${k}`]), this.layers[`down${k}`])));
      side /= 2;
      latents.push(parts);
    }
    return latents;
  }

  /**
   * @param {Latent[]} latents what `encode` returns
   * @param {number[]} dose of each latent: 1 kept, 0 silenced, between and beyond by the same line
   * @param {Latent[]=} fill what a silenced latent becomes; zeros where there is none
   * @returns {Float32Array} (size, size, 3) in [0, 1]
   */
  decode(latents, dose, fill) {
    const reach = (k, group) => blend(latents[k - 1][group], dose[k - 1], fill && fill[k - 1][group]);
    const images = [];
    for (let group = 0; group < this.groups; group++) {
      let side = this.size / 2 ** STAGES;
      let x = reach(STAGES, group);
      for (let k = STAGES; k >= 1; k--) {
        const layer = this.layers[`up${k}`];
        if (this.concats.includes(k)) x = this.join(x, reach(k, group), side);
        x = norm(up(x, side, layer), layer);
        side *= 2;
        x = k > 1 ? relu(x) : sigmoid(x);
      }
      images.push(x);
    }
    return this.groups === 1 ? images[0] : together(images);
  }

  /** What comes from below and a latent, as one. */
  join(below, latent, side) {
    return this.merge === "add" ? below.map((value, i) => value + latent[i]) : beside(below, latent, side * side);
  }
}

/** (side, side, inputs) -> (side / 2, side / 2, outputs). */
function down(x, side, { inputs, outputs, weights, bias }) {
  const half = side / 2;
  const y = repeated(bias, half * half);
  for (let row = 0; row < half; row++)
    for (let column = 0; column < half; column++)
      eachTap(row, column, side, (tap, at) => {
        add(y, (row * half + column) * outputs, x, at * inputs, weights, tap * inputs * outputs, inputs, outputs);
      });
  return y;
}

/** (side, side, inputs) -> (2 side, 2 side, outputs). */
function up(x, side, { inputs, outputs, weights, bias }) {
  const twice = side * 2;
  const y = repeated(bias, twice * twice);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      eachTap(row, column, twice, (tap, at) => {
        add(y, at * outputs, x, (row * side + column) * inputs, weights, tap * inputs * outputs, inputs, outputs);
      });
  return y;
}

/** The 4x4 pixels of the finer image, `side` wide, that belong to one of the coarser. */
function eachTap(row, column, side, visit) {
  for (let i = 0; i < KERNEL; i++) {
    const fineRow = 2 * row - 1 + i;
    if (fineRow < 0 || fineRow >= side) continue;
    for (let j = 0; j < KERNEL; j++) {
      const fineColumn = 2 * column - 1 + j;
      if (fineColumn < 0 || fineColumn >= side) continue;
      visit(i * KERNEL + j, fineRow * side + fineColumn);
    }
  }
}

/** y[to..] += x[from..] times the weights (inputs, outputs) that start at `start`. */
function add(y, to, x, from, weights, start, inputs, outputs) {
  for (let input = 0; input < inputs; input++) {
    const value = x[from + input];
    if (value === 0) continue;
    const row = start + input * outputs;
    for (let output = 0; output < outputs; output++) y[to + output] += value * weights[row + output];
  }
}

/** Instance normalisation where the layer has one; batch normalisation is in its weights. */
function norm(x, { outputs, gain, offset }) {
  if (!gain) return x;
  const pixels = x.length / outputs;
  for (let channel = 0; channel < outputs; channel++) {
    let sum = 0;
    for (let i = channel; i < x.length; i += outputs) sum += x[i];
    const mean = sum / pixels;
    let squares = 0;
    for (let i = channel; i < x.length; i += outputs) squares += (x[i] - mean) ** 2;
    const scale = gain[channel] / Math.sqrt(squares / pixels + INSTANCE_EPSILON);
    for (let i = channel; i < x.length; i += outputs) x[i] = (x[i] - mean) * scale + offset[channel];
  }
  return x;
}

const leaky = (x) => each(x, (value) => (value < 0 ? 0.2 * value : value));
const relu = (x) => each(x, (value) => (value < 0 ? 0 : value));
const sigmoid = (x) => each(x, (value) => 1 / (1 + Math.exp(-value)));

function each(x, change) {
  for (let i = 0; i < x.length; i++) x[i] = change(x[i]);
  return x;
}

function repeated(bias, times) {
  const y = new Float32Array(bias.length * times);
  for (let at = 0; at < y.length; at += bias.length) y.set(bias, at);
  return y;
}

/** fill + dose * (latent - fill). */
function blend(latent, dose, fill) {
  if (dose === 1) return latent;
  return fill ? latent.map((value, i) => fill[i] + dose * (value - fill[i])) : latent.map((value) => dose * value);
}

/** The channels of `below`, then those of `latent`, pixel by pixel. */
function beside(below, latent, pixels) {
  const a = below.length / pixels;
  const b = latent.length / pixels;
  const y = new Float32Array(below.length + latent.length);
  for (let pixel = 0; pixel < pixels; pixel++) {
    y.set(below.subarray(pixel * a, (pixel + 1) * a), pixel * (a + b));
    y.set(latent.subarray(pixel * b, (pixel + 1) * b), pixel * (a + b) + a);
  }
  return y;
}

/** An image of three channels as three of one. */
function apart(image) {
  return [0, 1, 2].map((channel) => image.filter((_, i) => i % 3 === channel));
}

/** Three images of one channel as one of three. */
function together(images) {
  return Float32Array.from({ length: 3 * images[0].length }, (_, i) => images[i % 3][Math.floor(i / 3)]);
}
