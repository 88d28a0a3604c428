#include "base/settings.h"

#include <string.h>

int dfy_take_settings(void *own, size_t own_size, size_t least, const void *given, const char *what, const char *filler,
                      DfyMessage *message) {
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < least)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "%s don't tell their size: fill them in with %s first.", what,
                        filler);
    for (size_t i = own_size; i < size; i++)
        if (((const unsigned char *)given)[i])
            return dfy_fail(message, DFY_ERROR_ARGUMENT,
                            "%s use a field that this library, version %s, does not know: use a newer one.", what,
                            DFY_VERSION);
    memcpy(own, given, size < own_size ? size : own_size);
    memcpy(own, &own_size, sizeof own_size);
    return DFY_OK;
}

void dfy_give_defaults(void *given, size_t given_size, const void *defaults, size_t defaults_size) {
    if (given_size < sizeof given_size) return;
    memset(given, 0, given_size);
    memcpy(given, defaults, given_size < defaults_size ? given_size : defaults_size);
    memcpy(given, &given_size, sizeof given_size);
}
