import { safe } from './core.ts';

/**
 * A CSS path to an element: tag names, IDs and classes, never text or values; from the nearest
 * ancestor that has an ID, or that is far enough up to tell.
 */
export const selector = safe((node: unknown): string => {
  let path = '';
  for (
    let element = node as Element | null | false;
    element && path.length < 80;
    element = !element.id && element.parentElement
  ) {
    // A text node that shifted, of which only its parent tells, has neither of these.
    path =
      (element.id ? '#' + element.id : [element.localName, ...(element.classList || [])].join('.')).slice(0, 80) +
      (path && '>' + path);
  }
  return path;
});

/** What the browser told -> the selector of its element, which may be gone a moment later. */
export const known = new WeakMap<object, string | undefined>();

type Part = { element?: unknown; target?: unknown; node?: unknown; sources?: Part[] };

/** Keeps the selector of an entry, and of the sources of a shift. */
export const know = (part: Part): void => {
  const element = part.element || part.target || part.node;
  known.set(part, (element && selector(element)) as string);
  part.sources?.forEach(know);
};
