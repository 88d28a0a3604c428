/** The package's player: its worker, with a decoder that lies beside it. */
import { Codec } from '../../wasm/module.js';
import { serve } from '../shared/rpc.js';
import { Playback } from './playback.js';

/** @type {Promise<Codec> | null} */
let loading = null;

serve(new Playback({ load: () => (loading ??= Codec.load()) }).handlers);
