#include "video/encode/write/lossless_writer.h"

#include <stdlib.h>

#include "video/encode/decide/lossless_search.h"

int dfy_lossless_writer_open(DfyLosslessWriter *w, const DfyStream *stream) {
    w->lossless = dfy_lossless_new(stream->width, stream->height);
    w->source = dfy_frame_new(stream->width, stream->height);
    if (!w->lossless || !w->source) return DFY_ERROR_MEMORY;
    size_t count = (size_t)dfy_lossless_columns(w->lossless) * (size_t)dfy_lossless_rows(w->lossless);
    w->blocks = calloc(count, sizeof *w->blocks);
    return w->blocks ? DFY_OK : DFY_ERROR_MEMORY;
}

void dfy_lossless_writer_close(DfyLosslessWriter *w) {
    dfy_lossless_free(w->lossless);
    dfy_frame_free(w->source);
    free(w->blocks);
}

int dfy_lossless_writer_code(DfyLosslessWriter *w, DfySegments *s, int effort) {
    if (s->is_access_point && !s->frames)
        dfy_lossless_begin_run(w->lossless);
    else
        dfy_lossless_search(w->lossless, w->source, s->stream->width, s->stream->height, effort, w->blocks);
    dfy_lossless_code(w->lossless, &s->coder, w->source, w->blocks);
    return s->coder.failed ? DFY_ERROR_MEMORY : DFY_OK;
}
