/* PCM to FLAC, which loses nothing: MP4 has a place for that, but not for PCM as it is. */
#ifndef DIFFY_SOUND_FLAC_H
#define DIFFY_SOUND_FLAC_H

#include "libav.h"
#include "source.h"

typedef struct SoundFlac SoundFlac;

/* Gets each packet of FLAC, times in samples. 0, or a libav error. */
typedef int (*FlacOutput)(void *opaque, AVPacket *packet);

/* NULL: no PCM of a kind that FLAC holds, or no memory. */
SoundFlac *sound_flac_open(const DfySound *sound, FlacOutput output, void *opaque);
const AVCodecContext *sound_flac_encoder(const SoundFlac *flac);
int sound_flac_push(SoundFlac *flac, const DfySoundPacket *packet); /* 0, or a libav error */
int sound_flac_finish(SoundFlac *flac);
void sound_flac_close(SoundFlac **flac);

#endif
