/** The few things every page does with the document. Text from files only ever becomes textContent. */

/**
 * An element that must be there.
 * @template {Element} T
 * @param {string} selector
 * @param {new (...args: any[]) => T} type
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function find(selector, type, within = document) {
    const element = within.querySelector(selector);
    if (!(element instanceof type)) throw new Error(`The page has no ${selector}.`);
    return element;
}

/**
 * Makes an element: properties are set, `class` and `aria-...` and `data-...` as attributes, children appended as text or nodes.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.includes('-') || name === 'class' || name === 'role' || name === 'for') element.setAttribute(name, String(value));
        else Object.assign(element, { [name]: value });
    }
    element.append(...children);
    return element;
}

/**
 * A drop zone that is also a button; `accept` gets the DataTransfer's items or the input's files.
 * @param {HTMLElement} zone
 * @param {(transfer: DataTransfer) => void} accept
 */
export function acceptDrops(zone, accept) {
    const page = document.documentElement;
    let depth = 0;
    page.addEventListener('dragenter', (event) => {
        event.preventDefault();
        depth++;
        zone.classList.add('over');
    });
    page.addEventListener('dragleave', () => {
        if (--depth <= 0) zone.classList.remove('over');
    });
    page.addEventListener('dragover', (event) => event.preventDefault());
    page.addEventListener('drop', (event) => {
        event.preventDefault();
        depth = 0;
        zone.classList.remove('over');
        if (event.dataTransfer) accept(event.dataTransfer);
    });
}

/** Cells of an ASCII bar that fit beside its figures. */
export function barCells() {
    return innerWidth < 500 ? 16 : 40;
}

/** Says something to screen readers without moving the focus.
 * @param {string} text */
export function announce(text) {
    const region = document.querySelector('#announcements');
    if (region) region.textContent = text;
}
