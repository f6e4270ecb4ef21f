/** What is seen as a PNG, with a caption that says what it is. */

import { made, part } from "./dom.js";

const SCALE = 4; // px of the PNG for one of the image
const GAP = 8;
const LINE = 18;

/**
 * @param {string[]} names of the canvases that are shown side by side
 * @param {number} size of their images, in px
 * @param {string[]} caption line by line
 */
export function save(names, size, caption) {
  const side = size * SCALE;
  const canvas = made("canvas");
  canvas.width = names.length * (side + GAP) + GAP;
  canvas.height = side + 2 * GAP + (caption.length + 0.5) * LINE;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  names.forEach((name, i) => context.drawImage(part(name), GAP + i * (side + GAP), GAP, side, side));
  context.fillStyle = "#000";
  context.font = "13px sans-serif";
  caption.forEach((line, i) => context.fillText(line, GAP, side + 2 * GAP + (i + 0.75) * LINE, canvas.width - 2 * GAP));
  canvas.toBlob((blob) => {
    const link = made("a", { href: URL.createObjectURL(blob), download: "facerot.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // some browsers read it later
  });
}
