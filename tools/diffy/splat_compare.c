/* `diffy splat compare`: errors between two sequences of models. */
#include <math.h>
#include <string.h>

#include "splat_cli.h"

static void print_json(const DfySplatErrors *e, const char *label) {
    printf("%s", label);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        printf("\"%s\":{\"rms\":%.6g,\"p99\":%.6g,\"max\":%.6g},", dfy_splat_attribute_names[a], e->rms[a], e->p99[a],
               e->max[a]);
    printf("\"diagonal\":%.6g,\"matched\":\"%s\",\"compared\":%u,\"missing\":%u,\"surplus\":%u,\"not_finite\":%u,"
           "\"other_forms\":%u}",
           e->diagonal, e->by_order ? "order" : "place", e->compared, e->missing, e->surplus, e->not_finite,
           e->other_forms);
}

static void print_errors(const DfySplatErrors *e, const char *label) {
    static const char *const units[DFY_SPLAT_ATTRIBUTES] = {"the model's unit", "ln",      "of 0..1",
                                                            "coefficient",      "degrees", "coefficient"};
    printf("%s: %u splats matched by %s\n", label, e->compared, e->by_order ? "order" : "place");
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++)
        printf("  %-9s rms %-12.6g 99%% %-12.6g max %-12.6g %s\n", dfy_splat_attribute_names[a], e->rms[a], e->p99[a],
               e->max[a], units[a]);
    if (e->missing || e->surplus) printf("  %u splats missing, %u extra\n", e->missing, e->surplus);
    if (e->not_finite) printf("  %u splats differ in NaN or infinite values\n", e->not_finite);
    if (e->other_forms)
        printf("  %u splats compared in an equivalent form: their axes have a different order or direction\n",
               e->other_forms);
}

static void accumulate(DfySplatErrors *all, const DfySplatErrors *one, int first) {
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        all->rms[a] += one->rms[a] * one->rms[a];
        if (one->p99[a] > all->p99[a]) all->p99[a] = one->p99[a];
        if (one->max[a] > all->max[a]) all->max[a] = one->max[a];
    }
    if (one->diagonal > all->diagonal) all->diagonal = one->diagonal;
    all->by_order = (first || all->by_order) && one->by_order;
    all->compared += one->compared;
    all->missing += one->missing;
    all->surplus += one->surplus;
    all->not_finite += one->not_finite;
    all->other_forms += one->other_forms;
}

static void print_frame(const DfySplatErrors *errors, int frame, int json) {
    char label[64];
    snprintf(label, sizeof label, json ? "%s{\"frame\":%d," : "%sframe %d", json ? (frame ? "," : "{\"frames\":[") : "",
             frame);
    if (json)
        print_json(errors, label);
    else
        print_errors(errors, label);
}

static int compare_sources(SplatSource *reference, SplatSource *other, DfySplatPairing pairing, int json) {
    DfySplatErrors all = {.compared = 0};
    int frames = 0, got[2] = {0, 0}, status = STATUS_GOOD;
    for (;; frames++) {
        DfySplats a, b;
        DfySplatErrors errors;
        DfyMessage message = {{0}};
        got[0] = splat_source_next(reference, &a);
        got[1] = splat_source_next(other, &b);
        if (!got[0] && !got[1] && dfy_splats_compare(&a, &b, NULL, pairing, &errors, &message))
            status = complain("%s", message.text);
        dfy_splats_free(&a);
        dfy_splats_free(&b);
        if (status || got[0] || got[1]) break;
        print_frame(&errors, frames, json);
        accumulate(&all, &errors, !frames);
    }
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES && frames; a++) all.rms[a] = sqrt(all.rms[a] / frames);
    if (frames && json) print_json(&all, "],\"all\":{");
    if (frames && !json) print_errors(&all, "all frames");
    if (json && frames) printf("}\n");
    if (got[0] < 0 || got[1] < 0 || status) return STATUS_FAILED;
    if (got[0] != got[1])
        return complain("The inputs have different numbers of frames: compared the first %d.", frames);
    return STATUS_GOOD;
}

int run_splat_compare(int argc, char **argv) {
    int json = 0;
    const char *paths[2], *by = "auto";
    const Option options[] = {
        {"--json", NULL, OPTION_FLAG, &json, NULL, "machine-readable", 0, 0},
        {"--match", NULL, OPTION_TEXT, &by, "auto|order|place",
         "pair splats by index or by nearest position; auto: by index where the order is clearly kept", 0, 0},
    };
    const Usage usage = {
        "diffy splat compare [--json] [--match HOW] REFERENCE OTHER",
        "Measures the RMS, 99th percentile and largest error of each attribute, in absolute units: position "
        "(the\nmodel's unit), scale (ln), alpha (0..1), dc, rotation (degrees), sh. Each input is a model, a folder "
        "or\n.zip of models, or a .dfy (- is one from stdin). The reference is used unchanged, including NaN and "
        "infinite values. Over "
        "all\nframes, the 99th percentile is that of the worst frame. A Gaussian whose axes have a different order "
        "or\ndirection is equivalent: it is compared as such, and counted.\n",
        options,
        sizeof options / sizeof *options,
        2,
        2};
    int status = parse_options(&usage, argc, argv, paths);
    if (status != PARSE_GO_ON) return status;
    DfySplatPairing pairing = !strcmp(by, "order")   ? DFY_SPLAT_PAIR_ORDER
                              : !strcmp(by, "place") ? DFY_SPLAT_PAIR_PLACE
                                                     : DFY_SPLAT_PAIR_AUTO;
    SplatSource *reference = splat_source_open(paths[0]), *other = reference ? splat_source_open(paths[1]) : NULL;
    status = reference && other ? compare_sources(reference, other, pairing, json) : STATUS_FAILED;
    splat_source_close(reference);
    splat_source_close(other);
    return status;
}
