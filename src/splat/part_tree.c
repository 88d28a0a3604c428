/* tree-range as a part: it codes positions and attributes together and makes its own bytes. */
#include "splat/codec.h"
#include "splat/tree_encode.h"

typedef struct TreePart {
    DfyTreeEncoder encoder;
    DfyTreeState decoded;
    DfyBuffer bytes; /* of the frame last made the context */
} TreePart;

static int tree_open(void *context, const DfySplatSettings *settings, DfyMessage *message) {
    TreePart *part = context;
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        if (!(settings->error[a] > 0 && settings->error[a] < 1e6))
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

static int tree_context_to_frame(void *context, DfySplats *frame, DfyMessage *message) {
    return dfy_tree_to_frame(&((TreePart *)context)->decoded, frame, message);
}

static const uint32_t *tree_order(const void *context) {
    return ((const TreePart *)context)->encoder.order;
}

static void tree_close(void *context) {
    TreePart *part = context;
    dfy_tree_encoder_free(&part->encoder);
    dfy_tree_state_free(&part->decoded);
    dfy_buffer_free(&part->bytes);
}

const DfySplatPart dfy_part_tree = {
    .context_bytes = sizeof(TreePart),
    .open = tree_open,
    .learn = tree_learn,
    .key_to_context = tree_key_to_context,
    .inter_to_context = tree_inter_to_context,
    .encode_key = tree_encode,
    .encode_inter = tree_encode,
    .decode_key = tree_decode_key,
    .decode_inter = tree_decode_inter,
    .context_to_frame = tree_context_to_frame,
    .order = tree_order,
    .close = tree_close,
};
