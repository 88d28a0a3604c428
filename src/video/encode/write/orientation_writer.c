#include "video/encode/write/orientation_writer.h"

void dfy_orientation_writer_open(DfyOrientationWriter *o, DfySegments *segments, const double camera[9]) {
    o->segments = segments;
    o->camera = camera;
    o->turned = dfy_quaternion_identity();
}

void dfy_orientation_writer_turn(DfyOrientationWriter *o, const double xyz[3], double dt) {
    o->turned = dfy_quaternion_integrate(o->turned, xyz, dt);
}

int dfy_orientation_writer_finish(DfyOrientationWriter *o) {
    if (!o->count) return DFY_OK;
    dfy_put_orientations(&o->segments->payload, o->camera, o->first, o->at, o->count);
    o->first += o->count;
    o->count = 0;
    return dfy_segments_write_chunk(o->segments, DFY_CHUNK_IMU, 0, 0, 0);
}

int dfy_orientation_writer_note(DfyOrientationWriter *o) {
    if (!o->segments) return DFY_OK;
    o->at[o->count++] = dfy_orientation_of(o->turned);
    return o->count == DFY_ORIENTATIONS ? dfy_orientation_writer_finish(o) : DFY_OK;
}
