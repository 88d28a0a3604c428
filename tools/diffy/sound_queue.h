/* Packets of a container's sound, read on the way to its pictures, waiting to be copied. */
#ifndef DIFFY_SOUND_QUEUE_H
#define DIFFY_SOUND_QUEUE_H

#include "libav.h"
#include "meaning.h"

typedef struct SoundQueue {
    AVStream *stream; /* NULL: there is no sound, or it is not wanted, or no more of it */
    DfySound sound;   /* what it is; an empty codec: there is none */
    uint8_t *config;
    double time_base;   /* seconds a tick */
    Clock clock;        /* its own: it may jump a packet earlier or later than that of the pictures */
    AVPacket **packets; /* a ring */
    size_t capacity, first, count;
    AVPacket *given;
    int64_t last_end;
} SoundQueue;

/* Chooses the track that belongs to video stream `video`. */
void sound_queue_open(SoundQueue *queue, AVFormatContext *container, int video);
/* The container is another from here on: the sound goes on there if it is of the same kind. Whether it does. */
int sound_queue_move(SoundQueue *queue, AVFormatContext *container, int video);
/* Takes the packet's content. 0, or -1 without memory. */
int sound_queue_put(SoundQueue *queue, AVPacket *packet, int clock_jumps);
int sound_queue_describe(const SoundQueue *queue, DfySound *sound);
/* zero_seconds: the first picture's time by the container's clock. */
int sound_queue_take(SoundQueue *queue, DfySoundPacket *packet, double zero_seconds);
void sound_queue_close(SoundQueue *queue);

#endif
