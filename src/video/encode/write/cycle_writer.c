#include "video/encode/write/cycle_writer.h"

#include "video/encode/lookahead/pyramid.h"
#include "video/syntax/cycle_list.h"
#include "video/syntax/departure_list.h"

/* Large enough the means of 8x8 blocks tell as much of cycles as the picture does. */
int dfy_cycle_writer_open(DfyCycleWriter *c, DfySegments *segments) {
    const DfyStream *stream = segments->stream;
    int width = dfy_coded_size(stream->width), height = dfy_coded_size(stream->height);
    c->segments = segments;
    c->in_eighths = width >= 512 && height >= 256;
    if (c->in_eighths) {
        width /= 8;
        height /= 8;
    }
    int status = dfy_cycle_log_open(&c->log, width, height, (double)stream->frame_rate_num / stream->frame_rate_den);
    return status ? dfy_segments_no_memory(segments) : DFY_OK;
}

void dfy_cycle_writer_close(DfyCycleWriter *c) {
    dfy_cycle_log_close(&c->log);
}

/* Cycles, and where they depart from each other. */
static int write_found(DfyCycleWriter *c) {
    if (!c->log.cycles) return DFY_OK;
    c->cycles += c->log.cycles;
    c->canonicals = c->log.canonicals;
    dfy_put_cycles(&c->segments->payload, c->log.cycle, c->log.cycles);
    int status = dfy_segments_write_chunk(c->segments, DFY_CHUNK_CYCLES, 0, 0, 0);
    if (status || !c->log.departures.count) return status;
    const DfyStream *stream = c->segments->stream;
    dfy_put_departures(&c->segments->payload, &c->log.departures, stream->width, stream->height);
    return dfy_segments_write_chunk(c->segments, DFY_CHUNK_DEPARTURES, 0, 0, 0);
}

int dfy_cycle_writer_push(DfyCycleWriter *c, const DfyFrame *frame) {
    const DfyPlane *p = &frame->plane[0];
    DfyPicture picture = {.plane = {c->in_eighths ? frame->pyramid->eighths : p->pixels},
                          .stride_bytes = {c->in_eighths ? p->width / 8 : p->stride}};
    return dfy_cycle_log_push(&c->log, &picture) ? dfy_segments_no_memory(c->segments) : write_found(c);
}

int dfy_cycle_writer_finish(DfyCycleWriter *c) {
    return dfy_cycle_log_finish(&c->log) ? dfy_segments_no_memory(c->segments) : write_found(c);
}
