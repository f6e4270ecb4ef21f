/** Elements of the page. */

/** An element of the playground by the name that it has in part.html.jinja. */
export const part = (name) => document.querySelector(`[data-play="${name}"]`);

/** Make an element with attributes and children; text stays text. */
export function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
