/* A failure's sentence for people, kept at the beginning of the encoder or decoder it belongs to. */
#ifndef DFY_BASE_STATUS_H
#define DFY_BASE_STATUS_H

#include "diffy/diffy.h"

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
/* Writes the sentence (cut when too long) and returns status, so that callers can `return dfy_fail(...)`. */
int dfy_fail(DfyMessage *message, int status, const char *format, ...);

/* Returns status; of a failure that nobody has said a word about yet, it does. */
int dfy_told(DfyMessage *message, int status);

#endif
