/* `diffy verify`: reads a .dfy file whole and checks it; exit status 0 only when nothing is wrong or missing. */
#include "cli.h"

static int report(DfyDecoder *decoder, const char *path, int status) {
    DfyInfo info;
    if (dfy_decoder_info(decoder, &info)) return complain("%s: %s", path, dfy_last_message(decoder));
    uint32_t damaged = 0;
    DfyChunk chunk, first = {0};
    for (uint32_t i = 0; i < info.chunks; i++)
        if (!dfy_decoder_chunk(decoder, i, &chunk) && chunk.damaged && damaged++ == 0) first = chunk;
    if (damaged)
        return complain(
            "%s: %u of %u chunks are damaged, the first (%s) at byte %llu: encode it again, or decode what is "
            "whole.",
            path, damaged, info.chunks, first.name, (unsigned long long)first.offset_bytes);
    if (status) return complain("%s: %s", path, dfy_last_message(decoder));
    if (!info.complete)
        return complain("%s was cut or never finished: its first %llu frames are whole.", path,
                        (unsigned long long)info.frames);
    printf("%s is whole: %u chunks, %llu frames\n", path, info.chunks, (unsigned long long)info.frames);
    return STATUS_GOOD;
}

int run_verify(int argc, char **argv) {
    const Usage usage = {
        "diffy verify INPUT.dfy",
        "Reads the whole file and checks every checksum (format 1 has none: that every chunk parses).\n"
        "Exit status 0 only when the file is whole.\n",
        NULL,
        0,
        1,
        1};
    const char *path;
    int status = parse_options(&usage, argc, argv, &path);
    if (status != PARSE_GO_ON) return status;
    DfyInput input;
    DfyDecoder *decoder;
    status = decoder_open(&decoder, &input, path, NULL);
    if (!status) status = report(decoder, path, dfy_decoder_verify(decoder));
    dfy_decoder_close(&decoder);
    input_close(&input);
    return status;
}
