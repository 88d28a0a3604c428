/*
 * Settings structs may grow from version to version: each begins with its own size, as the caller was compiled with it,
 * and that tells which fields it has.
 */
#ifndef DFY_BASE_SETTINGS_H
#define DFY_BASE_SETTINGS_H

#include "base/status.h"

/*
 * Copies the fields that the caller's struct has over *own, which holds the defaults and is of own_size bytes. A
 * smaller struct, of an older version, is fine from `least` bytes on; so is a larger one if what is not known here is
 * 0. Else DFY_ERROR_ARGUMENT with a sentence on "the encoder's settings" and the like; `filler` is the call that fills
 * them in.
 */
int dfy_take_settings(void *own, size_t own_size, size_t least, const void *given, const char *what, const char *filler,
                      DfyMessage *message);

/* Fills in a caller's struct of given_size bytes with what fits of the defaults, and its size. */
void dfy_give_defaults(void *given, size_t given_size, const void *defaults, size_t defaults_size);

#endif
