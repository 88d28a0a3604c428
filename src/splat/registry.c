/* The splat codecs there are. To add one: its part in a file of its own, its name here. */
#include <string.h>

#include "splat/codec.h"

static const DfySplatCodec codecs[] = {
    {"tree-range",
     "space partition, mixed contexts, rigid motions; errors are chosen",
     {&dfy_part_tree, NULL},
     &dfy_serialiser_coded},
    {"vqxyz-range", "vector quantisation, range coder", {&dfy_part_xyz, &dfy_part_vq}, &dfy_serialiser_range},
    {"vqxyz-zstd", "vector quantisation, zstd", {&dfy_part_xyz, &dfy_part_vq}, &dfy_serialiser_zstd},
    {"vqxyz-zlib", "vector quantisation, zlib", {&dfy_part_xyz, &dfy_part_vq}, &dfy_serialiser_zlib},
    {"vqxyz-1mask-range",
     "the same with one mask for all attributes, range coder",
     {&dfy_part_xyz, &dfy_part_vq_merged},
     &dfy_serialiser_range},
    {"vqxyz-1mask-zstd",
     "the same with one mask for all attributes, zstd",
     {&dfy_part_xyz, &dfy_part_vq_merged},
     &dfy_serialiser_zstd},
};

const DfySplatCodec *dfy_splat_codec_at(int index) {
    return index >= 0 && index < (int)(sizeof codecs / sizeof *codecs) ? &codecs[index] : NULL;
}

const DfySplatCodec *dfy_splat_codec(const char *name) {
    for (int i = 0; dfy_splat_codec_at(i); i++)
        if (!strcmp(codecs[i].name, name)) return &codecs[i];
    return NULL;
}

const char *dfy_splat_codec_name(const DfySplatCodec *codec) {
    return codec->name;
}
const char *dfy_splat_codec_description(const DfySplatCodec *codec) {
    return codec->description;
}
