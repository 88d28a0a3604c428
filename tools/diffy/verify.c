/* `diffy verify`: reads a .dfy file whole and checks it; exit status 0 only when nothing is wrong or missing. */
#include "splat_cli.h"

#include <string.h>

/* Decodes every picture and reads every packet of sound: what has the right checksum may still be no picture. */
static int decode_all(DfyDecoder *decoder, const char *path) {
    DfyPicture picture;
    DfySoundPacket packet;
    int status;
    while (!(status = dfy_decoder_next(decoder, &picture))) continue;
    if (status == DFY_END)
        while (!(status = dfy_decoder_next_sound(decoder, &packet))) continue;
    if (status == DFY_END) return STATUS_GOOD;
    return complain("%s can't be decoded at frame %llu: %s", path, (unsigned long long)dfy_decoder_position(decoder),
                    dfy_last_message(decoder)[0] ? dfy_last_message(decoder) : "its data breaks the format's rules.");
}

static int report(DfyDecoder *decoder, const char *path, int status, int decodes) {
    DfyInfo info;
    if (dfy_decoder_info(decoder, &info)) return complain("%s: %s", path, dfy_last_message(decoder));
    uint32_t damaged = 0;
    DfyChunk chunk, first = {0};
    for (uint32_t i = 0; i < info.chunks; i++)
        if (!dfy_decoder_chunk(decoder, i, &chunk) && chunk.damaged && damaged++ == 0) first = chunk;
    if (damaged)
        return complain(
            "%s: %u of %u chunks are damaged, the first (%s) at byte %llu: encode it again, or decode what is intact.",
            path, damaged, info.chunks, first.name, (unsigned long long)first.offset_bytes);
    if (status) return complain("%s: %s", path, dfy_last_message(decoder));
    if (!info.complete)
        return complain(
            "%s is cut off or was never finished: its first %llu frames are intact; save them with diffy repair.", path,
            (unsigned long long)info.frames);
    if (decodes && decode_all(decoder, path)) return STATUS_FAILED;
    printf("%s is intact: %u chunks, %llu frames\n", path, info.chunks, (unsigned long long)info.frames);
    return STATUS_GOOD;
}

/* Whether the file is a sequence of splats, which has its own decoder. */
static int is_splats(const char *path) {
    uint8_t head[13] = {0};
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) fclose(file);
    /* "DFY", 2, then the stream's chunk: its head of 8 bytes, then what kind of stream it is. */
    return got == sizeof head && !memcmp(head, "DFY\2", 4) && head[4] == 0x10 && head[12] == 2;
}

int run_verify(int argc, char **argv) {
    int checksums = 0;
    const Option options[] = {
        {"--checksums", NULL, OPTION_FLAG, &checksums, NULL,
         "check only checksums and the index: quicker, decodes nothing", 0, 0},
    };
    const Usage usage = {
        "diffy verify [options] INPUT.dfy",
        "Reads the whole file, checks the index and every checksum (in format 1, which has none: that every chunk "
        "parses),\nand decodes every picture. Exit status 0 only when the file is intact.\n",
        options,
        sizeof options / sizeof *options,
        1,
        1};
    const char *path;
    int status = parse_options(&usage, argc, argv, &path);
    if (status != PARSE_GO_ON) return status;
    if (is_splats(path)) return verify_splats(path);
    DfyInput input;
    DfyDecoder *decoder;
    status = decoder_open(&decoder, &input, path, NULL);
    if (!status) status = report(decoder, path, dfy_decoder_verify(decoder), !checksums);
    dfy_decoder_close(&decoder);
    input_close(&input);
    return status;
}
