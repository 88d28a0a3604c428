/* tree-range as a part: it codes positions and attributes together and makes its own bytes. */
#include <math.h>

#include "splat/codec.h"
#include "splat/tree/encode.h"

typedef struct TreePart {
    DfyTreeEncoder encoder;
    DfyTreeState decoded, kept; /* kept: as the last key frame left it */
    DfyBuffer bytes;            /* of the frame last made the context */
} TreePart;

static int tree_open(void *context, const DfySplatSettings *settings, DfyMessage *message) {
    TreePart *part = context;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        int from_spacing = a == DFY_SPLAT_POSITION && fabs(settings->error[a]) <= 0;
        if (!from_spacing && !(settings->error[a] > 0 && settings->error[a] < 1e6))
            return dfy_fail(message, DFY_ERROR_ARGUMENT, "The error wanted for %s must be above 0.",
                            dfy_splat_attribute_names[a]);
        part->encoder.errors[a] = settings->error[a];
    }
    part->encoder.effort = settings->effort;
    return DFY_OK;
}

static int tree_learn(void *context, const DfySplats *frames, uint32_t count, DfyMessage *message) {
    (void)message;
    for (uint32_t i = 0; i < count; i++) dfy_tree_hull_add(&((TreePart *)context)->encoder.hull, &frames[i]);
    return DFY_OK;
}

static int tree_key_to_context(void *context, const DfySplats *frame, DfyMessage *message) {
    TreePart *part = context;
    part->bytes.size = 0;
    return dfy_tree_encode_key(&part->encoder, frame, &part->bytes, message);
}

static int tree_inter_to_context(void *context, const DfySplats *frame, DfyMessage *message) {
    TreePart *part = context;
    part->bytes.size = 0;
    return dfy_tree_encode_inter(&part->encoder, frame, &part->bytes, message);
}

static int tree_encode(void *context, DfySplatPayload *payload, DfyMessage *message) {
    const TreePart *part = context;
    dfy_put_bytes(&payload->coded, part->bytes.data, part->bytes.size);
    if (!payload->coded.failed) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a coded frame.");
}

static int tree_decode_key(void *context, DfySplatPayload *payload, DfyMessage *message) {
    return dfy_tree_decode_key(&((TreePart *)context)->decoded, payload->coded.data, payload->coded.size, message);
}

static int tree_decode_inter(void *context, DfySplatPayload *payload, DfyMessage *message) {
    return dfy_tree_decode_inter(&((TreePart *)context)->decoded, payload->coded.data, payload->coded.size, message);
}

static int tree_keep_encoded(void *context, DfyMessage *message) {
    return dfy_tree_encoder_keep(&((TreePart *)context)->encoder, message);
}

static int tree_encode_again(void *context, DfyMessage *message) {
    return dfy_tree_encoder_return(&((TreePart *)context)->encoder, message);
}

static int tree_keep_decoded(void *context, DfyMessage *message) {
    TreePart *part = context;
    dfy_tree_state_free(&part->kept);
    return dfy_tree_state_copy(&part->kept, &part->decoded, message);
}

static int tree_decode_again(void *context, DfyMessage *message) {
    TreePart *part = context;
    return dfy_tree_state_return(&part->decoded, &part->kept, message);
}

static int tree_context_to_frame(void *context, DfySplats *frame, const uint32_t *to, DfyMessage *message) {
    return dfy_tree_to_frame(&((TreePart *)context)->decoded, frame, to, message);
}

static void tree_changes(const void *context, const uint32_t *to, DfySplatMarks *marks) {
    static const int attributes[DFY_TREE_KINDS] = {DFY_SPLAT_POSITION, DFY_SPLAT_ROTATION, DFY_SPLAT_SCALE,
                                                   DFY_SPLAT_ALPHA,    DFY_SPLAT_DC,       DFY_SPLAT_SH};
    const DfyTreeState *state = &((const TreePart *)context)->decoded;
    unsigned any = 0;
    uint32_t changed = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        any |= state->splats[i].dirty;
        changed += state->splats[i].dirty != 0;
    }
    marks->all |= changed == state->count;
    for (uint32_t i = 0; !marks->all && i < state->count; i++)
        if (state->splats[i].dirty) dfy_marks_add(marks, to ? to[i] : i);
    for (int k = 0; k < DFY_TREE_KINDS; k++) marks->attributes |= (any >> k & 1) << attributes[k];
}

static double tree_farthest(const void *context) {
    return DFY_SPLAT_FARTHEST * ((const TreePart *)context)->encoder.errors[DFY_SPLAT_POSITION];
}

static uint32_t tree_count(const void *context) {
    return ((const TreePart *)context)->decoded.count;
}

static int tree_encoded_to_frame(void *context, DfySplats *frame, int rest, DfyMessage *message) {
    DfyTreeEncoder *encoder = &((TreePart *)context)->encoder;
    int status = rest ? dfy_tree_settle(encoder, message) : DFY_OK;
    return status ? status : dfy_tree_to_frame(&encoder->state, frame, NULL, message);
}

static const uint32_t *tree_order(const void *context) {
    return ((const TreePart *)context)->encoder.order;
}

static void tree_close(void *context) {
    TreePart *part = context;
    dfy_tree_encoder_free(&part->encoder);
    dfy_tree_state_free(&part->decoded);
    dfy_tree_state_free(&part->kept);
    dfy_buffer_free(&part->bytes);
}

const DfySplatPart dfy_part_tree = {
    .context_bytes = sizeof(TreePart),
    .open = DFY_SPLAT_ENCODER(tree_open),
    .learn = DFY_SPLAT_ENCODER(tree_learn),
    .key_to_context = DFY_SPLAT_ENCODER(tree_key_to_context),
    .inter_to_context = DFY_SPLAT_ENCODER(tree_inter_to_context),
    .encode_key = DFY_SPLAT_ENCODER(tree_encode),
    .encode_inter = DFY_SPLAT_ENCODER(tree_encode),
    .keep_encoded = DFY_SPLAT_ENCODER(tree_keep_encoded),
    .encode_again = DFY_SPLAT_ENCODER(tree_encode_again),
    .keep_decoded = tree_keep_decoded,
    .decode_again = tree_decode_again,
    .decode_key = tree_decode_key,
    .decode_inter = tree_decode_inter,
    .context_to_frame = tree_context_to_frame,
    .count = tree_count,
    .changes = tree_changes,
    .farthest = DFY_SPLAT_ENCODER(tree_farthest),
    .encoded_to_frame = DFY_SPLAT_ENCODER(tree_encoded_to_frame),
    .order = DFY_SPLAT_ENCODER(tree_order),
    .close = tree_close,
};
