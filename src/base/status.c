#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

int dfy_fail(DfyMessage *message, int status, const char *format, ...) {
    if (message) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message->text, sizeof message->text, format, arguments);
        va_end(arguments);
    }
    return status;
}

int dfy_told(DfyMessage *message, int status) {
    if (status >= 0 || message->text[0]) return status;
    if (status == DFY_ERROR_MEMORY) return dfy_fail(message, status, "There is not enough memory for this.");
    return dfy_fail(message, status, "It failed: %s.", dfy_strstatus(status));
}

const char *dfy_last_message(const void *encoder_or_decoder) {
    return encoder_or_decoder ? ((const DfyMessage *)encoder_or_decoder)->text : "There is no memory left for this.";
}

const char *dfy_version(void) {
    return DFY_VERSION;
}

const char *dfy_strstatus(int status) {
    switch (status) {
    case DFY_OK: return "good";
    case DFY_END: return "end of the pictures";
    case DFY_ERROR_ARGUMENT: return "argument out of range";
    case DFY_ERROR_MEMORY: return "out of memory";
    case DFY_ERROR_IO: return "reading or writing failed";
    case DFY_ERROR_FORMAT: return "not a valid .dfy file";
    case DFY_ERROR_DAMAGED: return "damaged data";
    case DFY_ERROR_UNSUPPORTED: return "not supported";
    case DFY_ERROR_CANCELLED: return "cancelled";
    default: return "unknown status";
    }
}
