/**
 * The sound of a file: its packets come from the worker some seconds at a time, WebCodecs decodes them, and what comes of them
 * is played at its own time beside the pictures. The pictures lead: sound that has drifted from them starts anew.
 */

/** So many seconds are fetched at a time, and that is begun when so many are left. */
const piece = 2, ahead = 1.5;

/** Sound may be so many seconds off before it is put right. */
const drift = 0.12;

/** @type {Record<string, string>} FFmpeg's names in WebCodecs' words */
const codecs = { aac: 'mp4a.40.2', opus: 'opus', mp3: 'mp3', flac: 'flac', vorbis: 'vorbis', pcm_mulaw: 'ulaw', pcm_alaw: 'alaw', pcm_s16le: 'pcm-s16', pcm_s24le: 'pcm-s24', pcm_s32le: 'pcm-s32', pcm_f32le: 'pcm-f32', pcm_u8: 'pcm-u8' };

/** What WebCodecs wants to know of a file's sound.
 * @param {import('../../wasm/decoder.js').DiffySound} sound
 * @returns {AudioDecoderConfig} */
export function audioConfig({ codec, sampleRate, channels, config }) {
    // WebCodecs wants FLAC's head with its marks before it.
    const description = codec === 'flac' && config.length ? new Uint8Array([0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, config.length, ...config]) : config;
    return { codec: codecs[codec] ?? codec, sampleRate, numberOfChannels: channels, ...(description.length ? { description } : {}) };
}

/** @typedef {(from: number, to: number) => Promise<import('../../wasm/decoder.js').DiffySoundPacket[]>} FetchPackets */

export class Sound {
    #fetch;
    #config;
    /** @type {AudioContext | null} */
    #context = null;
    /** @type {GainNode | null} */
    #gain = null;
    /** @type {AudioDecoder | null} */
    #decoder = null;
    /** @type {Set<AudioBufferSourceNode>} */
    #scheduled = new Set();
    /** Where the context's clock and the file's meet. */
    #clock = 0;
    #at = 0;
    #rate = 1;
    /** Seconds of the file up to which packets were fetched, and whether some are on their way. */
    #fetched = 0;
    #fetching = false;
    #run = 0;
    /** Pieces that were handed to the speakers since the start; for whoever wants to know that there is sound. */
    pieces = 0;

    /** @param {import('../../wasm/decoder.js').DiffySound} sound
     * @param {FetchPackets} fetch */
    constructor(sound, fetch) {
        this.#config = audioConfig(sound);
        this.#fetch = fetch;
    }

    /** Whether this browser can play it. */
    async playable() {
        if (typeof AudioDecoder === 'undefined') return false;
        return AudioDecoder.isConfigSupported(this.#config).then(({ supported }) => !!supported, () => false);
    }

    /** @param {number} volume 0..1 */
    set volume(volume) {
        this.#volume = volume;
        if (this.#gain) this.#gain.gain.value = volume;
    }
    #volume = 1;

    /** Plays from a time of the file on.
     * @param {number} seconds
     * @param {number} rate */
    start(seconds, rate) {
        this.stop();
        this.#context ??= new AudioContext();
        if (!this.#gain) {
            this.#gain = this.#context.createGain();
            this.#gain.connect(this.#context.destination);
        }
        this.#gain.gain.value = this.#volume;
        void this.#context.resume();
        [this.#clock, this.#at, this.#fetched, this.#rate] = [this.#context.currentTime, seconds, seconds, rate];
        const run = ++this.#run;
        this.#decoder = new AudioDecoder({
            output: (data) => {
                if (run === this.#run) this.#schedule(data);
                data.close();
            },
            error: () => this.stop(),
        });
        this.#decoder.configure(this.#config);
        void this.#fill(run);
    }

    stop() {
        this.#run++;
        if (this.#decoder?.state !== 'closed') this.#decoder?.close();
        this.#decoder = null;
        for (const source of this.#scheduled) source.stop();
        this.#scheduled.clear();
    }

    /** A picture of this time is shown: the sound stays with it, and goes on.
     * @param {number} seconds */
    follow(seconds) {
        if (!this.#decoder || !this.#context) return;
        const now = this.#at + (this.#context.currentTime - this.#clock) * this.#rate;
        if (this.#context.state === 'running' && Math.abs(now - seconds) > drift * Math.max(1, this.#rate)) return this.start(seconds, this.#rate);
        void this.#fill(this.#run);
    }

    close() {
        this.stop();
        void this.#context?.close();
        this.#context = null;
    }

    /** @param {number} run */
    async #fill(run) {
        if (!this.#context || this.#fetching) return;
        const now = this.#at + (this.#context.currentTime - this.#clock) * this.#rate;
        if (this.#fetched - now > ahead * this.#rate) return;
        this.#fetching = true;
        const from = this.#fetched, to = from + piece * this.#rate;
        this.#fetched = to;
        const packets = await this.#fetch(from, to).catch(() => []);
        this.#fetching = false;
        if (run !== this.#run) return void this.#fill(this.#run);
        for (const { data, timestamp, duration } of packets)
            this.#decoder?.decode(new EncodedAudioChunk({ type: 'key', data, timestamp: Math.round(timestamp * 1e6), duration: Math.round(duration * 1e6) }));
    }

    /** @param {AudioData} data */
    #schedule(data) {
        const context = this.#context, gain = this.#gain;
        if (!context || !gain) return;
        const buffer = context.createBuffer(data.numberOfChannels, data.numberOfFrames, data.sampleRate);
        for (let channel = 0; channel < data.numberOfChannels; channel++) data.copyTo(buffer.getChannelData(channel), { planeIndex: channel, format: 'f32-planar' });
        const source = context.createBufferSource(), when = this.#clock + (data.timestamp / 1e6 - this.#at) / this.#rate, late = Math.max(0, context.currentTime - when);
        if (late * this.#rate >= buffer.duration) return;
        source.buffer = buffer;
        source.playbackRate.value = this.#rate;
        source.connect(gain);
        source.start(Math.max(when, context.currentTime), late * this.#rate);
        source.onended = () => this.#scheduled.delete(source);
        this.#scheduled.add(source);
        this.pieces++;
    }
}
