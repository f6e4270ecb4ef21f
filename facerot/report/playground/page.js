/** The playground: what is chosen on the left, the network in the middle, what it makes of it on the right. */

import { Painting } from "./brush.js";
import { made, part } from "./dom.js";
import { difference, draw, drawGrey, greyOf, probed } from "./images.js";
import { inflate, unpack } from "./packed.js";
import { takePhotos } from "./photo.js";
import { save } from "./saving.js";
import { colourKept, mse, rotationScores, window_ } from "./scores.js";
import { FILLS, LARGEST_DOSE, PROBES, START, fromFragment, snapped, toFragment } from "./state.js";

const LATENTS = [1, 2, 3, 4, 5];
const ALL = [1, 1, 1, 1, 1];
const NONE = [0, 0, 0, 0, 0];
const CHOICES = ["model", "versus", "probe", "fill", "other"];
const OWN_PHOTO = -1; // as the face of a state
const UNTOLD = { claim: "", verdict: "", look: "The steps above tell the paper's story; every slider is yours." };
const REMEMBERED = 200; // ms after the last change: browsers limit how often an address may change

class Playground {
  /** @param {object} data what `playground/__init__.py` wrote into the page */
  constructor(data) {
    this.data = data;
    this.networks = new Map(); // what was unpacked so far
    this.images = new Map(); // inputs by what was chosen
    this.channels = new Map(); // latent -> the channel that is looked at
    this.photo = null; // a photo of one's own, cut to the network's size
    this.updates = 0;
    this.state = this.fromAddress();
  }

  async start() {
    const { size, faces } = this.data;
    const pixels = Float32Array.from(new Uint8Array(await inflate(this.data.pixels)), (value) => value / 255);
    const image = (i) => pixels.subarray(i * 3 * size ** 2, (i + 1) * 3 * size ** 2);
    this.faces = faces.map((name, i) => ({ name, source: image(2 * i), target: image(2 * i + 1) }));
    this.build();
    this.show();
    await this.update();
    if (location.hash.startsWith("#play:")) part("presets").scrollIntoView();
    window.addEventListener("hashchange", () => {
      if (location.hash.startsWith("#play")) this.change(this.fromAddress());
    });
  }

  fromAddress() {
    return fromFragment(location.hash, { models: this.data.models.length, faces: this.data.faces.length });
  }

  // What can be chosen -------------------------------------------------------------------------

  build() {
    const { data } = this;
    const models = data.models.map((model, i) => [i, model.name]);
    this.buildChoice("model", models);
    this.buildChoice("versus", [[-1, "nothing"], ...models]);
    this.buildChoice("probe", PROBES.map((probe) => [probe, data.probes[probe]]));
    this.buildChoice("fill", FILLS.map((fill) => [fill, data.fills[fill]]));
    this.buildChoice("other", this.faces.map((face, i) => [i, face.name]));
    part("versusRow").hidden = models.length < 2;
    this.faces.forEach((face, i) => part("faces").append(this.faceButton(face, i)));
    data.presets.forEach((preset) => part("presets").append(this.presetButton(preset)));
    LATENTS.forEach((k) => this.buildLatent(k));
    const redrawn = () => {
      this.images.clear();
      return this.update();
    };
    this.painting = new Painting(data.size, redrawn);
    takePhotos(data.size, (photo) => {
      this.photo = photo;
      this.images.clear();
      this.change({ face: OWN_PHOTO });
    });
    part("reset").addEventListener("click", () => this.change({ ...START }));
    part("save").addEventListener("click", () => this.save());
  }

  buildChoice(name, options) {
    const select = part(name);
    select.append(...options.map(([value, text]) => made("option", { value }, text)));
    const read = typeof START[name] === "number" ? Number : String;
    select.addEventListener("change", () => this.change({ [name]: read(select.value) }));
  }

  faceButton(face, i) {
    const canvas = made("canvas", { "aria-hidden": "true" });
    draw(canvas, face.source, this.data.size);
    const button = made("button", { type: "button", "aria-label": face.name, title: face.name }, canvas);
    button.addEventListener("click", () => this.change({ face: i }));
    return button;
  }

  presetButton(preset) {
    const button = made("button", { type: "button" }, preset.title);
    button.addEventListener("click", () => this.change(preset.state));
    return button;
  }

  buildLatent(k) {
    const slider = part(`dose${k}`);
    let dragged = false; // a key that leaves a mark by one step must not be put back on it
    slider.addEventListener("pointerdown", () => (dragged = true));
    for (const end of ["change", "keydown"]) slider.addEventListener(end, () => (dragged = false));
    slider.addEventListener("input", () => {
      const value = Number(slider.value);
      const asked = dragged ? snapped(value) : value;
      this.change({ dose: this.state.dose.map((dose, i) => (i === k - 1 ? asked : dose)) });
    });
    const strip = part(`latent${k}`);
    const look = (channel) => {
      this.channels.set(k, channel);
      this.drawLatent(k);
    };
    strip.addEventListener("pointermove", (event) => {
      const count = this.channelCount(k);
      look(Math.max(1, Math.min(count, Math.ceil((event.offsetX / strip.clientWidth) * count))));
    });
    strip.addEventListener("pointerleave", () => look(0));
    strip.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      look(Math.max(0, Math.min(this.channelCount(k), (this.channels.get(k) ?? 0) + step)));
    });
  }

  /** Choose something else: all that depends on it is shown at once. */
  change(some) {
    Object.assign(this.state, some);
    this.show();
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => history.replaceState(null, "", toFragment(this.state)), REMEMBERED);
    return this.update();
  }

  /** The models that are looked at: one, or two. */
  chosenModels() {
    const { model, versus } = this.state;
    return (versus < 0 ? [model] : [model, versus]).map((i) => this.data.models[i]);
  }

  meansKnown() {
    return this.chosenModels().every((model) => model.means.length);
  }

  /** The controls as the state has them. */
  show() {
    const { state } = this;
    if (state.fill === "mean" && !this.meansKnown()) state.fill = "zero";
    for (const name of CHOICES) part(name).value = state[name];
    part("otherRow").hidden = state.fill !== "other";
    part("fill").querySelector('[value="mean"]').disabled = !this.meansKnown();
    part("noMean").textContent = this.meansKnown() ? "" : "The mean face's: not here, the run did not write its mean latents.";
    [...part("faces").children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === state.face)));
    const own = new Set(this.chosenModels().flatMap((model) => [...model.architecture.concats, 5]));
    for (const k of LATENTS) {
      part(`dose${k}`).value = state.dose[k - 1];
      part(`dose${k}`).disabled = !own.has(k);
      part(`said${k}`).textContent = own.has(k) ? doseText(state.dose[k - 1]) : "no Concat";
      part(`stage${k}`).classList.toggle("none", !own.has(k));
    }
    this.showPreset();
  }

  /** Which step of the paper's story this is, if it is one. */
  showPreset() {
    const same = (preset) => Object.entries(preset.state).every(([name, value]) => String(this.state[name]) === String(value));
    const found = this.data.presets.find(same);
    this.data.presets.forEach((preset, i) => part("presets").children[i].setAttribute("aria-pressed", String(preset === found)));
    for (const name of ["claim", "verdict", "look"]) part(name).textContent = (found ?? UNTOLD)[name];
  }

  // What comes out -------------------------------------------------------------------------------

  /** What is looked at: one of the faces, or a photo, of which no target is known. */
  chosenFace() {
    if (this.state.face !== OWN_PHOTO) return this.faces[this.state.face];
    return { name: "a photo", source: this.photo, target: null };
  }

  /** The input that the network sees: painted over, and as the probe shows it. */
  input() {
    return this.remembered(`face ${this.state.face}`, () => this.painting.over(this.chosenFace().source));
  }

  /** Whose latents fill, with the fill `other`. */
  otherInput() {
    return this.remembered(`other ${this.state.other}`, () => this.faces[this.state.other].source);
  }

  /** The same image again for the same choice, so that what was encoded of it is found again. */
  remembered(name, image) {
    const { probe } = this.state;
    const key = `${name} ${probe}`;
    if (!this.images.has(key)) this.images.set(key, probed(image(), this.data.size, probe));
    return this.images.get(key);
  }

  /** A network, unpacked once. */
  loaded(model) {
    if (!this.networks.has(model)) this.networks.set(model, load(model));
    return this.networks.get(model);
  }

  /** Run the networks and show what they answer; what was overtaken by another change is dropped. */
  async update() {
    const asked = ++this.updates;
    const models = this.chosenModels();
    const loaded = await Promise.all(models.map((model) => this.loaded(model)));
    if (asked !== this.updates) return;
    const { size } = this.data;
    const { target } = this.chosenFace();
    draw(part("input"), this.input(), size);
    part("targetFigure").hidden = !target;
    if (target) draw(part("target"), target, size);
    part("second").hidden = models.length < 2;
    this.outputs = loaded.map((one, place) => this.answer(models[place], one, place));
    this.latents = encoded(loaded[0], this.input()).latents;
    for (const k of LATENTS) this.drawLatent(k);
    part("message").textContent = "";
  }

  /** One network's output, drawn with its difference to the target, its scores and its exactness. */
  answer(model, loaded, place) {
    const { size, models } = this.data;
    const { dose, fill } = this.state;
    const x = this.input();
    const { latents, full } = encoded(loaded, x);
    const fills = {
      zero: () => undefined,
      mean: () => loaded.means,
      other: () => encoded(loaded, this.otherInput()).latents,
    };
    const output = loaded.network.decode(latents, dose, fills[fill]());
    const { target } = this.chosenFace();
    draw(part(`output${place}`), output, size);
    draw(part(`difference${place}`), difference(output, target ?? full), size);
    part(`against${place}`).textContent = target ? "less the target" : "less that of all latents";
    for (const named of ["name", "scored"]) part(`${named}${place}`).textContent = model.name;
    this.showScores(part(`scores${place}`), output, full, x, target);
    const other = model.split === models[0].split ? "" : " It was trained on other persons: what is a test face above may be a training face of it.";
    part(`exact${place}`).textContent = exactText(model.numbers, loaded.furthest) + other;
    return output;
  }

  showScores(table, output, full, x, target) {
    const { size, faceBox } = this.data;
    const regions = [["frame", null], ...(faceBox ? [["face", window_(size, faceBox)]] : [])];
    const heads = ["score", ...regions.map(([name]) => name)];
    table.replaceChildren(made("tr", {}, ...heads.map((name) => made("th", { scope: "col" }, name))));
    const said = (name) => document.querySelector(`[data-score="${name}"]`)?.textContent ?? "";
    const row = (name, values) =>
      table.append(made("tr", {}, made("th", { scope: "row", title: said(name) }, name), ...values.map((value) => made("td", {}, value))));
    if (target) row("mse", [mse(output, target).toFixed(4), ...regions.slice(1).map(() => "")]);
    row("colour_kept", regions.map(([, region]) => colourKept(output, full, size, region).toFixed(3)));
    if (!target || this.state.probe !== "rgb") return;
    const found = regions.map(([, region]) => rotationScores(output, x, target, size, region));
    for (const [name, key] of [["front_match", "frontMatch"], ["side_match", "sideMatch"], ["rotation", "rotation"]])
      row(name, found.map((one) => one[key].toFixed(3)));
  }

  channelCount(k) {
    const pixels = (this.data.size / 2 ** k) ** 2;
    return this.latents[k - 1].reduce((sum, group) => sum + group.length / pixels, 0);
  }

  drawLatent(k) {
    if (!this.latents) return;
    const side = this.data.size / 2 ** k;
    const count = this.channelCount(k);
    const channel = Math.min(this.channels.get(k) ?? 0, count); // 0: the mean of all
    const said = channel ? `channel ${channel} of ${count}` : `mean of ${count}`;
    drawGrey(part(`latent${k}`), greyOf(this.latents[k - 1], side, channel - 1), side);
    part(`channel${k}`).textContent = said;
    for (const [name, value] of [["valuenow", channel], ["valuemax", count], ["valuetext", said]])
      part(`latent${k}`).setAttribute(`aria-${name}`, value);
  }

  save() {
    const { state } = this;
    const models = this.chosenModels();
    const shown = ["input", ...models.map((_, place) => `output${place}`), ...(this.chosenFace().target ? ["target"] : [])];
    const changed = LATENTS.filter((k) => state.dose[k - 1] !== 1).map((k) => `latent${k} ${doseText(state.dose[k - 1])}`);
    const whose = state.fill === "other" ? ` (${this.faces[state.other].name})` : "";
    save(shown, this.data.size, [
      `${this.chosenFace().name}; ${models.map((model) => model.name).join(" / ")}`,
      `probe ${state.probe}; ${changed.join(", ") || "nothing silenced"}; fill ${state.fill}${whose}`,
    ]);
  }
}

/** A network and how far it is from PyTorch, of whose outputs two are known. */
async function load(model) {
  const { network, means, known } = await unpack(model);
  const [x, ...outputs] = known;
  const latents = network.encode(x);
  const furthest = Math.max(...[ALL, NONE].map((dose, i) => largestDifference(network.decode(latents, dose), outputs[i])));
  return { network, means, furthest, answers: new WeakMap() };
}

/** The latents of an image and the output with nothing silenced, computed once. */
function encoded(loaded, image) {
  if (!loaded.answers.has(image)) {
    const latents = loaded.network.encode(image);
    loaded.answers.set(image, { latents, full: loaded.network.decode(latents, ALL) });
  }
  return loaded.answers.get(image);
}

/** Of two images rounded to 8 bits, in 1/255. */
function largestDifference(a, b) {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(Math.round(255 * value) - Math.round(255 * b[i]))), 0);
}

function exactText(numbers, furthest) {
  const far = furthest ? `differs from PyTorch's by at most ${furthest}/255` : "is PyTorch's";
  return `Weights as ${numbers}: on a test face, with all latents and with none, every pixel ${far}, rounded to 8 bits.`;
}

function doseText(dose) {
  return { 0: "silenced", 1: "kept" }[dose] ?? `x ${dose.toFixed(2)}`;
}

/** Start, or say what the browser lacks. */
async function main() {
  const missing = ["DecompressionStream", "OffscreenCanvas", "createImageBitmap"].filter((name) => !(name in globalThis));
  try {
    if (missing.length) throw new Error(`this browser is too old for the playground, it lacks ${missing.join(", ")}`);
    globalThis.playground = new Playground(JSON.parse(document.getElementById("play-data").textContent)); // for the console
    await globalThis.playground.start();
  } catch (error) {
    part("message").textContent = `The playground cannot start: ${error.message}`;
  }
}

main();
