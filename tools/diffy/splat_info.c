/* `diffy splat info`: what a .dfy splat stream holds. */
#include <string.h>

#include "splat_cli.h"

/* The errors that the encoder was asked for, as the beginning of a JSON object. */
static void print_stated(const DfySplatInfo *info) {
    printf("{\"errors\":{");
    for (int a = 0, any = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        if (info->error[a] > 0) printf("%s\"%s\":%.6g", any++ ? "," : "", dfy_splat_attribute_names[a], info->error[a]);
    printf("},\"max_errors\":{");
    for (int a = 0, any = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        if (info->max_error[a] > 0)
            printf("%s\"%s\":%.6g", any++ ? "," : "", dfy_splat_attribute_names[a], info->max_error[a]);
    printf("},");
}

static void print_promise(const DfySplatInfo *info) {
    printf("splats come back %s\n", info->order_kept ? "in the models' order" : "in a different order");
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        if (!(info->error[a] > 0) && !(info->max_error[a] > 0)) continue;
        printf("  %-9s", dfy_splat_attribute_names[a]);
        if (info->error[a] > 0) printf(" rms at most %.4g", info->error[a]);
        if (info->max_error[a] > 0) printf(" largest at most %.4g", info->max_error[a]);
        printf("\n");
    }
}

static void print_info(const char *path, const DfySplatDecoder *d, const DfySplatInfo *info, int json) {
    if (json) {
        print_stated(info);
        printf("\"codec\":\"%s\",\"degree\":%d,\"frames\":%llu,\"key_frames\":%llu,\"bytes\":%llu,\"fps\":%.6g,"
               "\"complete\":%s,\"order_kept\":%s,\"access\":%d,\"frame_bytes\":[",
               info->codec, info->degree, (unsigned long long)info->frames, (unsigned long long)info->key_frames,
               (unsigned long long)info->bytes, (double)info->frame_rate_num / info->frame_rate_den,
               info->complete ? "true" : "false", info->order_kept ? "true" : "false", info->access);
    } else {
        printf("%s: splat stream, codec %s, degree %d\n%llu frames (%llu key) at %.6g per second, %llu bytes%s\n", path,
               info->codec, info->degree, (unsigned long long)info->frames, (unsigned long long)info->key_frames,
               (double)info->frame_rate_num / info->frame_rate_den, (unsigned long long)info->bytes,
               info->complete ? "" : ", cut off or never finished");
        if (info->access)
            printf("with its key frame decoded, any frame takes the decoding of at most %d\n", info->access);
        print_promise(info);
    }
    for (uint64_t i = 0; i < info->frames; i++) {
        uint64_t bytes = 0;
        int key = 0;
        dfy_splat_decoder_frame(d, i, &bytes, &key);
        if (json)
            printf("%s%llu", i ? "," : "", (unsigned long long)bytes);
        else
            printf("  frame %llu: %llu bytes%s\n", (unsigned long long)i, (unsigned long long)bytes,
                   key ? ", key" : "");
    }
    if (json) printf("]}\n");
}

int run_splat_info(int argc, char **argv) {
    int json = 0;
    const char *path;
    const Option options[] = {{"--json", NULL, OPTION_FLAG, &json, NULL, "machine-readable", 0, 0}};
    const Usage usage = {
        "diffy splat info [--json] INPUT.dfy", "Prints what is in a .dfy splat stream.\n", options, 1, 1, 1};
    int status = parse_options(&usage, argc, argv, &path);
    if (status != PARSE_GO_ON) return status;
    if (!strcmp(path, "-"))
        return complain_usage("A stream's frames are known at its end: diffy splat info needs a file.");
    DfyInput input = {0};
    DfySplatDecoder *decoder = NULL;
    DfySplatInfo info;
    status = splat_decoder_open(&decoder, &input, &info, path);
    if (!status) print_info(path, decoder, &info, json);
    dfy_splat_decoder_close(&decoder);
    input_close(&input);
    return status;
}

/* ---------------------------------------------------------------- verify */

/* Decodes all frames; returns how many are lost and names the first. */
static uint64_t count_lost(DfySplatDecoder *d, uint64_t frames, uint64_t *first) {
    uint64_t lost = 0;
    for (;;) {
        uint64_t at = dfy_splat_decoder_position(d);
        const DfySplats *splats;
        int status = dfy_splat_decoder_next(d, &splats);
        if (status == DFY_END) return lost;
        if (!status) continue;
        if (!lost) *first = at;
        if (status != DFY_ERROR_DAMAGED) return lost + frames - at;
        lost += dfy_splat_decoder_position(d) - at;
    }
}

int verify_splats(const char *path) {
    DfyInput input = {0};
    DfySplatDecoder *decoder = NULL;
    DfySplatInfo info;
    uint64_t first = 0;
    int status = splat_decoder_open(&decoder, &input, &info, path);
    uint64_t lost = status ? 0 : count_lost(decoder, info.frames, &first);
    if (!status && lost)
        status = complain("%s: %llu of %llu frames are damaged or depend on damaged ones, from frame %llu on.", path,
                          (unsigned long long)lost, (unsigned long long)info.frames, (unsigned long long)first);
    if (!status && !info.complete)
        status = complain("%s is cut off or was never finished: its first %llu frames are intact, the rest is missing.",
                          path, (unsigned long long)info.frames);
    if (!status)
        printf("%s is intact: %llu frames of splats (%llu key)\n", path, (unsigned long long)info.frames,
               (unsigned long long)info.key_frames);
    dfy_splat_decoder_close(&decoder);
    input_close(&input);
    return status;
}
