/* A failure's sentence for people, kept beside the encoder or decoder it belongs to. */
#ifndef DFY_BASE_STATUS_H
#define DFY_BASE_STATUS_H

#include "diffy.h"

typedef struct DfyMessage {
    char text[320];
} DfyMessage;

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
/* Writes the sentence (cut when too long) and returns status, so that callers can `return dfy_fail(...)`. */
int dfy_fail(DfyMessage *message, int status, const char *format, ...);

#endif
