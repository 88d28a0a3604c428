/* Inputs that come as time goes by. */
#ifndef DIFFY_LIVE_H
#define DIFFY_LIVE_H

/* Whether a name is that of a camera: an address of a stream, or a video device. */
int is_live(const char *path);

#endif
