/**
 * A CSS path to an element, at most 100 characters: tag names, IDs and classes, never text or
 * values (the rule of web-vitals' `getSelector`).
 */
export function selector(node: unknown): string | undefined {
  let path = '';
  let element = node as Element | null;
  while (element && element.nodeType != 9) {
    // A text node that shifted is told by its parent.
    if (element.nodeType == 1) {
      const part = element.id
        ? '#' + element.id
        : element.localName + [...element.classList].map((name) => '.' + name).join('');
      const longer = path ? part + '>' + path : part;
      if (longer.length > 100) return path || part.slice(0, 100);
      path = longer;
      if (element.id) break;
    }
    element = element.parentNode as Element | null;
  }
  return path || undefined;
}
