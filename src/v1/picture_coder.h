/*
 * Codes one picture against a reference, and makes the picture that every reader will decode, so that what is
 * predicted from it later starts from the same pixels.
 *
 * The format leaves one freedom to an encoder: which quantised coefficients to send. They are chosen by rate
 * and distortion, the three channels of a coefficient together, with the error measured in luma and chroma,
 * because the format's channels are R, G and B and an eye's are not.
 */
#ifndef DFY_V1_PICTURE_CODER_H
#define DFY_V1_PICTURE_CODER_H

#include "base/bytes.h"
#include "v1/residual.h"

typedef struct DfyV1PictureCoder {
    int width, height;
    int blocks_across, blocks_down;
    int quality;      /* of the tables */
    DfyV1Space space; /* DFY_V1_SPACE_RGB or DFY_V1_SPACE_YCC_BGR */
    DfyV1Table table;
    float weight[3][3]; /* of an error in R, G and B; see init_weights */
    float lambda;       /* squared error that a bit is worth */
    float skip_error;   /* a block whose squared error is below this is left as it is */
    int16_t *level;     /* [block][channel][64] */
    uint8_t *used;      /* blocks with a coefficient */
    uint32_t *left;     /* error at which a block was last found not worth coding: looked at again when it grows */
    DfyBuffer triplets;
    const DfyV1Codebook *codebook; /* vector quantisation, or NULL */
    uint8_t *word;                 /* [block][channel] of the codebook */
} DfyV1PictureCoder;

int dfy_v1_picture_coder_open(DfyV1PictureCoder *coder, int width, int height, int quality, DfyV1Space space);
void dfy_v1_picture_coder_close(DfyV1PictureCoder *coder);

/* To be called when the next picture's reference is not the picture coded last. */
void dfy_v1_picture_coder_restart(DfyV1PictureCoder *coder);

/*
 * decoded holds the reference and becomes the decoded picture; both RGB. Appends the payload: with a box of
 * its own when boxed, with a box around everything when full_box, else plain.
 */
typedef enum DfyV1Framing { DFY_V1_FRAMING_PLAIN, DFY_V1_FRAMING_BOX, DFY_V1_FRAMING_FULL_BOX } DfyV1Framing;
int dfy_v1_code_picture(DfyV1PictureCoder *coder, DfyBuffer *payload, DfyPicture *decoded, const DfyPicture *source,
                        DfyV1Framing framing);

#endif
