/*
 * A .dfy file being written: pictures go in, stretch by stretch through an encoder of its own, whose files are joined
 * as they come. A stretch needs nothing of those before it, so that encoding can begin at any of them: after a crash,
 * or on another machine.
 */
#ifndef DIFFY_RECORDING_H
#define DIFFY_RECORDING_H

#include "part_file.h"

typedef struct RecordingPlan {
    const char *input, *output;
    DfyEncoderSettings settings;
    uint64_t stretch_frames; /* 0: one stretch */
    uint64_t first_frame;    /* of the input, that this recording begins with */
    const char *metadata;    /* a JSON object, NULL: none */
    const DfySound *sound;   /* NULL: none */
    int resume;
    int resumable; /* a broken-off file could be resumed */
} RecordingPlan;

typedef struct Recording {
    RecordingPlan plan;
    PartFile file;
    DfyJoiner *joiner; /* NULL in format 1 */
    DfyEncoder *encoder;
    uint64_t pushed;  /* pictures, also those that are there already and were passed over */
    uint64_t skip;    /* as many are */
    uint64_t stretch; /* the first picture of the one that is being encoded */
    uint32_t cycles, canonicals;
    int episodes; /* there are some: stretches begin where they do */
} Recording;

/* All complain by themselves: 0 or STATUS_FAILED. Close in any case. */
int recording_open(Recording *recording, const RecordingPlan *plan);
int recording_push(Recording *recording, const DfyPicture *picture);
int recording_push_gyro(Recording *recording, const double rate[3], double seconds);
/* Works at what comes as hard as that. Such a file can't be resumed. */
int recording_set_effort(Recording *recording, int effort);
/* The next picture begins an episode of that name. Such a file can't be resumed. */
int recording_begin_episode(Recording *recording, const char *name);
/* Packets of sound that come with the pictures so far; left out where the pictures are passed over. */
int recording_push_sound(Recording *recording, const DfySoundPacket *packet);
/* That the last picture is shown, before finishing. */
int recording_last_ticks(Recording *recording, int64_t ticks);
/* Completes the file, which gets its name. */
int recording_finish(Recording *recording, DfyEncoderStats *stats);
void recording_close(Recording *recording);

#endif
