/** three.js comes without types. */
declare module 'three';
