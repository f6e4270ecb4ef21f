/** What `playground/packing.py` put into the page, unpacked. */

import { Network } from "./network.js";

/**
 * Base64 of deflated bytes -> the bytes.
 * @param {string} text
 * @returns {Promise<ArrayBuffer>}
 */
export async function inflate(text) {
  const deflated = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/**
 * A network, the means of its latents over the training faces, and images to measure it against.
 * @param {object} packed architecture, size, numbers ("float16" or "int8"), layers, means, known, data
 */
export async function unpack(packed) {
  const reader = new Reader(await inflate(packed.data));
  const layers = {};
  for (const [layer, inputs, outputs, ...more] of packed.layers) {
    const weights = packed.numbers === "int8" ? reader.scaled(16 * inputs, outputs) : reader.halves(16 * inputs * outputs);
    layers[layer] = { inputs, outputs, weights, bias: reader.floats(outputs) };
    for (const name of more) layers[layer][name] = reader.floats(outputs);
  }
  const network = new Network(packed.architecture, layers, packed.size);
  const means = packed.means.map((parts) => parts.map((length) => reader.halves(length)));
  const known = Array.from({ length: packed.known }, () => reader.bytes(3 * packed.size ** 2));
  return { network, means, known };
}

/** Numbers one after the other, little-endian. */
class Reader {
  constructor(buffer) {
    this.view = new DataView(buffer);
    this.at = 0;
  }

  floats(count) {
    return this.numbers(count, 4, (at) => this.view.getFloat32(at, true));
  }

  halves(count) {
    return this.numbers(count, 2, (at) => half(this.view.getUint16(at, true)));
  }

  /** Numbers in [0, 1] of 8 bits. */
  bytes(count) {
    return this.numbers(count, 1, (at) => this.view.getUint8(at) / 255);
  }

  /** Whole numbers of 8 bits, and behind them a factor for each output. */
  scaled(rows, outputs) {
    const whole = this.numbers(rows * outputs, 1, (at) => this.view.getInt8(at));
    const factors = this.floats(outputs);
    return whole.map((value, i) => value * factors[i % outputs]);
  }

  numbers(count, bytes, read) {
    const found = new Float32Array(count);
    for (let i = 0; i < count; i++, this.at += bytes) found[i] = read(this.at);
    return found;
  }
}

/** A number of 16 bits (IEEE 754), from its bits. */
function half(bits) {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
