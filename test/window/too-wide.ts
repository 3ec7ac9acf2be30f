/** What is wider than the window, or hangs out of it. Tab lists may scroll: arrows bring their tabs into view. */
export const TOO_WIDE = `[...document.querySelectorAll('#root *')].filter((element) => {
  if (element.closest('.only-read, svg, .tab-list') !== null || !element.checkVisibility()) return false;
  const style = getComputedStyle(element);
  const scrolls = element.scrollWidth > element.clientWidth + 1 && ['auto', 'scroll'].includes(style.overflowX);
  const isCut = (() => {
    for (let above = element.parentElement; above !== null; above = above.parentElement)
      if (getComputedStyle(above).overflowX === 'hidden' || getComputedStyle(above).overflowX === 'clip') return above !== document.body;
    return false;
  })();
  return scrolls || (!isCut && element.getBoundingClientRect().right > innerWidth + 1);
}).map((element) => element.className + ' ' + Math.round(element.getBoundingClientRect().right))`;
