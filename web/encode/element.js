/**
 * The page's part of decoding without WebCodecs: a <video> element that a worker steps from frame to frame through a
 * port. It is made when the worker first asks.
 */

/**
 * @param {File} file
 * @returns {{ port: MessagePort, close: () => void }} the worker's end
 */
export function offerElement(file) {
    const { port1, port2 } = new MessageChannel();
    /** @type {HTMLVideoElement | null} */
    let video = null;
    port1.onmessage = async ({ data }) => {
        try {
            video ??= await open(file);
            await seek(video, data.time);
            const bitmap = await createImageBitmap(video);
            port1.postMessage({ bitmap }, [bitmap]);
        } catch (error) {
            port1.postMessage({ error: error instanceof Error ? error.message : String(error) });
        }
    };
    return {
        port: port2,
        close() {
            port1.close();
            if (video) URL.revokeObjectURL(video.src);
            video?.removeAttribute('src');
            video = null;
        },
    };
}

/** @param {File} file
 * @returns {Promise<HTMLVideoElement>} */
function open(file) {
    const video = document.createElement('video');
    video.muted = true;
    video.preload = 'auto';
    return new Promise((resolve, reject) => {
        video.onloadeddata = () => resolve(video);
        video.onerror = () => reject(new Error("This browser can't play this video: convert it to H.264, or try another browser."));
        video.src = URL.createObjectURL(file);
    });
}

/** @param {HTMLVideoElement} video
 * @param {number} time */
function seek(video, time) {
    return new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
        video.onseeked = resolve;
        video.onerror = () => reject(new Error('The video is damaged at this point.'));
        video.currentTime = time;
    });
}
