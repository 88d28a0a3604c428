/*
 * The record of a mini-group in a segment: how many pictures it has, and where the coded bytes of each lie. Nothing of
 * it is entropy-coded, so that a reader finds any picture without decoding another.
 */
#ifndef DFY_VIDEO_MINI_GROUP_RECORD_H
#define DFY_VIDEO_MINI_GROUP_RECORD_H

#include "base/bytes.h"
#include "video/syntax/mini_group.h"

#define DFY_CHECK_RUN 384 /* bytes of pictures that share a check, at the least */

typedef struct DfyMiniGroupRecord {
    int frames;                         /* 1..DFY_MAX_MINI_GROUP */
    int still;                          /* every frame is the anchor before it once more: no pictures follow */
    int names_past;                     /* the anchor's past is told, and not the one before it */
    uint32_t past;                      /* how many anchors before it: 1 is the last, 0 none */
    uint32_t bytes[DFY_MAX_MINI_GROUP]; /* of each picture, in coding order; 0: its first reference once more */
    size_t offset[DFY_MAX_MINI_GROUP];  /* reading: of each picture's bytes, from the beginning of the payload */
    size_t first_byte, first_piece_end; /* reading: where the record begins, and where its anchor ends */
    size_t checks;                      /* reading: where the checks stand */
} DfyMiniGroupRecord;

/* Writes the record, with pieces[i] of record->bytes[i] bytes behind it. */
void dfy_put_mini_group_record(DfyBuffer *buffer, const DfyMiniGroupRecord *record, const uint8_t *const *pieces);

/*
 * Reads a record and steps over its pictures; frames_left: of the segment. DFY_ERROR_DAMAGED when it can't be one.
 */
int dfy_read_mini_group_record(DfyBytes *bytes, uint64_t frames_left, DfyMiniGroupRecord *record);

/*
 * For a payload whose checksum is wrong: which pictures' checks are wrong too, a bit each in coding order. When bit 0
 * is set, not even the lengths can be relied on.
 */
uint32_t dfy_find_damage(const uint8_t *payload, const DfyMiniGroupRecord *record);

#endif
