#include "video/syntax/clones.h"

#include "container/v2.h"
#include "entropy/range.h"

/* How far from one frame's source to the next one's: mostly one frame forward, as before. */
typedef struct StepModels {
    DfyBit one[2], still[2]; /* by whether the step before was the same */
    DfyBit more[64];
    uint32_t last;
} StepModels;

static void reset_models(StepModels *models) {
    DfyBit *all[] = {models->one, models->still, models->more};
    static const int counts[] = {2, 2, 64};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < counts[i]; k++) all[i][k] = DFY_BIT_EVEN;
    models->last = 1;
}

static uint32_t code_step(DfyRangeCoder *coder, StepModels *models, uint32_t step) {
    if (dfy_code_bit(coder, &models->one[models->last == 1], step == 1))
        step = 1;
    else if (dfy_code_bit(coder, &models->still[models->last == 0], step == 0))
        step = 0;
    else
        step = 2 + dfy_code_golomb(coder, models->more, 0, step - 2);
    return models->last = step;
}

void dfy_put_clones(DfyBuffer *buffer, const DfySegment *segment, const int64_t *pts, int64_t regular,
                    const uint64_t *sources) {
    StepModels models;
    DfyRangeCoder coder = {0};
    dfy_put_segment(buffer, segment, pts, regular);
    dfy_put_varint(buffer, segment->first_frame - sources[0]);
    reset_models(&models);
    dfy_range_encode_start(&coder);
    for (uint64_t i = 1; i < segment->frames; i++) code_step(&coder, &models, (uint32_t)(sources[i] - sources[i - 1]));
    dfy_range_encode_finish(&coder);
    dfy_put_bytes(buffer, coder.data, coder.size);
    buffer->failed |= coder.failed;
    dfy_range_free(&coder);
}

int dfy_read_sources(DfyBytes *bytes, const DfySegment *segment, uint64_t *sources) {
    uint64_t back = dfy_read_varint(bytes);
    if (bytes->overrun || !back || back > segment->first_frame) return DFY_ERROR_DAMAGED;
    StepModels models;
    DfyRangeCoder coder;
    reset_models(&models);
    dfy_range_decode_start(&coder, bytes->data + bytes->position, dfy_bytes_left(bytes));
    sources[0] = segment->first_frame - back;
    for (uint64_t i = 1; i < segment->frames; i++) {
        uint32_t step = code_step(&coder, &models, 0);
        if (step >= segment->first_frame - sources[i - 1]) return DFY_ERROR_DAMAGED;
        sources[i] = sources[i - 1] + step;
    }
    return DFY_OK;
}
