#include "recording.h"

#include <sys/stat.h>

static int failed(const Recording *r, const void *who) {
    if (part_failed(&r->file)) return STATUS_FAILED;
    return complain("%s: %s", r->plan.input, dfy_last_message(who));
}

/* What went wrong is known to the joiner when it refused what an encoder wrote: of another recording than the part. */
static int encoder_failed(Recording *r) {
    const char *joining = r->joiner ? dfy_last_message(r->joiner) : "";
    r->file.differs |= joining[0] && r->file.offset < r->file.whole && !r->file.error;
    return failed(r, joining[0] ? (const void *)r->joiner : (const void *)r->encoder);
}

static int begin_stretch(Recording *r) {
    DfyOutput output = r->joiner ? dfy_joiner_output(r->joiner) : part_output(&r->file);
    r->stretch = r->pushed;
    if (r->joiner && dfy_joiner_begin(r->joiner)) return failed(r, r->joiner);
    if (dfy_encoder_open(&r->encoder, &r->plan.settings, &output)) return encoder_failed(r);
    if (r->plan.sound && dfy_encoder_sound(r->encoder, r->plan.sound)) return encoder_failed(r);
    return STATUS_GOOD;
}

static int end_stretch(Recording *r) {
    DfyEncoderStats stats;
    if (dfy_encoder_finish(r->encoder, &stats)) return encoder_failed(r);
    r->cycles += stats.cycles;
    r->canonicals += stats.canonicals;
    dfy_encoder_close(&r->encoder);
    return STATUS_GOOD;
}

/* Finds out where the part that is there can be gone on with. */
static int adopt_part(Recording *r) {
    DfyInput input;
    DfyAdoption found;
    uint64_t stretch = r->plan.stretch_frames ? r->plan.stretch_frames : UINT64_MAX;
    struct stat facts;
    if (!stat(r->file.part_path, &facts) && !facts.st_size) return STATUS_GOOD;
    if (input_open(&input, r->file.part_path)) return STATUS_FAILED;
    int status = dfy_joiner_adopt(r->joiner, &input, stretch, &found);
    input_close(&input);
    if (status) return complain("%s can't be resumed: %s", r->file.part_path, dfy_last_message(r->joiner));
    r->skip = found.first_frame;
    part_go_on(&r->file, found.offset_bytes, found.whole_bytes);
    return STATUS_GOOD;
}

int recording_open(Recording *r, const RecordingPlan *plan) {
    *r = (Recording){.plan = *plan, .file = {.handle = -1}};
    int joins = plan->settings.format > 1;
    if (part_open(&r->file, plan->output, joins, plan->resume, plan->resumable)) return STATUS_FAILED;
    if (!joins) return begin_stretch(r);
    DfyOutput output = part_output(&r->file);
    DfyJoinerSettings settings;
    dfy_joiner_defaults(&settings);
    settings.metadata = plan->metadata;
    if (dfy_joiner_open(&r->joiner, &settings, &output))
        return complain("%s can't be written: %s", plan->output, dfy_last_message(r->joiner));
    return plan->resume ? adopt_part(r) : begin_stretch(r);
}

static int is_full(const Recording *r) {
    return r->plan.stretch_frames && r->pushed - r->stretch >= r->plan.stretch_frames;
}

int recording_push(Recording *r, const DfyPicture *picture) {
    if (r->pushed < r->skip) {
        r->pushed++;
        return STATUS_GOOD;
    }
    uint64_t expected = r->plan.settings.expected_frames;
    r->file.share_done = expected ? (double)r->pushed / (double)expected : 0;
    int full = is_full(r) && !r->episodes;
    if (r->encoder && r->pushed > r->stretch && full && end_stretch(r)) return STATUS_FAILED;
    if (!r->encoder && begin_stretch(r)) return STATUS_FAILED;
    if (dfy_encoder_push(r->encoder, picture)) return encoder_failed(r);
    r->pushed++;
    return STATUS_GOOD;
}

int recording_set_effort(Recording *r, int effort) {
    r->plan.settings.effort = effort; /* of the next stretch */
    part_not_resumable(&r->file);
    return r->encoder && dfy_encoder_set_effort(r->encoder, effort) ? encoder_failed(r) : STATUS_GOOD;
}

int recording_begin_episode(Recording *r, const char *name) {
    r->episodes = 1;
    part_not_resumable(&r->file);
    if (r->encoder && is_full(r) && end_stretch(r)) return STATUS_FAILED;
    if (!r->encoder && begin_stretch(r)) return STATUS_FAILED;
    return dfy_encoder_begin_episode(r->encoder, name) ? encoder_failed(r) : STATUS_GOOD;
}

int recording_push_gyro(Recording *r, const double rate[3], double seconds) {
    return r->encoder && dfy_encoder_push_gyro(r->encoder, rate, seconds) ? encoder_failed(r) : STATUS_GOOD;
}

int recording_push_sound(Recording *r, const DfySoundPacket *packet) {
    return r->encoder && dfy_encoder_push_sound(r->encoder, packet) ? encoder_failed(r) : STATUS_GOOD;
}

int recording_last_ticks(Recording *r, int64_t ticks) {
    return r->encoder && dfy_encoder_last_ticks(r->encoder, ticks) ? encoder_failed(r) : STATUS_GOOD;
}

int recording_finish(Recording *r, DfyEncoderStats *stats) {
    if (r->pushed < r->skip || !r->encoder)
        return complain(
            "%s ends after %llu frames, but %s has more already: it is not the input that was being encoded.",
            r->plan.input, (unsigned long long)r->pushed, r->file.part_path);
    /* An end that is written early, and then given up, would not be what an undisturbed encode has there. */
    if (interrupted() && r->file.part_path) interrupt_cuts(r->file.handle, r->file.offset);
    if (end_stretch(r)) return STATUS_FAILED;
    DfyJoinStats joined = {.bytes = r->file.offset, .frames = r->pushed};
    if (r->joiner && dfy_joiner_finish(r->joiner, &joined)) return failed(r, r->joiner);
    *stats = (DfyEncoderStats){
        .frames = joined.frames, .bytes = joined.bytes, .cycles = r->cycles, .canonicals = r->canonicals};
    if (r->file.offset < r->file.whole) {
        r->file.differs = 1;
        return failed(r, NULL);
    }
    return part_keep(&r->file);
}

void recording_close(Recording *r) {
    dfy_encoder_close(&r->encoder);
    dfy_joiner_close(&r->joiner);
    part_leave(&r->file);
}
