/** What is chosen on the page, as text behind the # of its address: a link shows the same. */

/**
 * @typedef {object} State
 * @property {number} model which network
 * @property {number} versus the one beside it; -1 none
 * @property {number} face which face; -1 a photo of one's own
 * @property {string} probe rgb, r, g, b or mosaic
 * @property {number[]} dose of latent1 .. latent5
 * @property {string} fill zero, mean or other
 * @property {number} other whose latents fill, where that is asked
 */

/** @type {State} */
export const START = { model: 0, versus: -1, face: 0, probe: "rgb", dose: [1, 1, 1, 1, 1], fill: "zero", other: 1 };

export const PROBES = ["rgb", "r", "g", "b", "mosaic"];
export const FILLS = ["zero", "mean", "other"];
export const LARGEST_DOSE = 1.25;

/** @param {State} state */
export function toFragment(state) {
  const words = [];
  for (const name of Object.keys(START)) {
    const value = String(state[name]);
    if (value !== String(START[name])) words.push(`${name}=${value}`);
  }
  return words.length ? `#play:${words.join("&")}` : "#play";
}

/**
 * What a fragment says, as far as it is possible here; the rest is as at the start.
 * @param {string} fragment
 * @param {{models: number, faces: number}} there how many there are of each
 * @returns {State}
 */
export function fromFragment(fragment, there) {
  const state = { ...START, dose: [...START.dose] };
  const asked = new URLSearchParams(fragment.replace(/^#play:?/, ""));
  const whole = (name, least, count) => {
    const value = Number(asked.get(name) ?? NaN);
    if (Number.isInteger(value) && value >= least && value < count) state[name] = value;
  };
  whole("model", 0, there.models);
  whole("versus", -1, there.models);
  whole("face", 0, there.faces);
  whole("other", 0, there.faces);
  if (PROBES.includes(asked.get("probe"))) state.probe = asked.get("probe");
  if (FILLS.includes(asked.get("fill"))) state.fill = asked.get("fill");
  const dose = (asked.get("dose") ?? "").split(",").map(Number);
  if (dose.length === START.dose.length && dose.every((one) => one >= 0 && one <= LARGEST_DOSE)) state.dose = dose;
  return state;
}

/** A dose that is nearly 0 or 1 is meant so. */
export function snapped(dose) {
  for (const mark of [0, 1]) if (Math.abs(dose - mark) < 0.04) return mark;
  return dose;
}
