/* The site's libav is linked in: the table of functions is filled without loading anything. */
#include "diffy/libav.h"

Libav libav;

int libav_load(void) {
#define SET(name) libav.name = name;
    LIBAVUTIL_FUNCTIONS(SET)
    LIBAVCODEC_FUNCTIONS(SET)
    LIBAVFORMAT_FUNCTIONS(SET)
    LIBSWSCALE_FUNCTIONS(SET)
#undef SET
    libav.av_log_set_level(AV_LOG_QUIET);
    libav.loaded = 1;
    return 0;
}
