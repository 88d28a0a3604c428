/* The pictures of a mini-group on their way from their sources to the code, as many at a time as the schedule lets. */
#ifndef DFY_VIDEO_GROUP_TASK_H
#define DFY_VIDEO_GROUP_TASK_H

#include "video/encode/encoder_state.h"
#include "video/encode/schedule.h"

typedef struct DfyGroupTask {
    DfyVideoEncoder *encoder;
    DfyMiniGroupPicture pictures[DFY_MAX_MINI_GROUP]; /* in coding order */
    DfyFrame *const *sources;
    int frames, count; /* count: sources there are, with those only looked at */
    DfyMiniGroupHeader header;
    DfySchedule schedule;
    DfyFrameTask *tasks[DFY_MAX_MINI_GROUP]; /* of pictures begun and not ended */
    int needed[DFY_MAX_MINI_GROUP + 1];      /* by number: pictures not ended that refer to it */
    DfyBuffer pieces[DFY_MAX_MINI_GROUP];    /* the pictures' bytes */
    int jobs_counted;                        /* as many have ended, for those that wait for the next to end */
    int status;
} DfyGroupTask;

/*
 * Codes a group, whose record is added to out. Its anchor is left in encoder->group[frames]. `ahead` sources more are
 * only looked at. 0 or a negative status.
 */
int dfy_group_task_run(DfyVideoEncoder *encoder, DfyBuffer *out, DfyFrame *const *sources, int frames, int ahead,
                       int qp);

/* What pictures refer to, which group_references.c tells. */

/* A frame that another decoder made, as far as pictures refer to its pixels. */
void dfy_copy_reference(DfyFrame *frame, const DfyFrame *decoded);
/* The long-term reference of a picture is there, decoded: fetched when the picture begins, or memory would not do. */
int dfy_fetch_lent(DfyVideoEncoder *encoder, int number);
void dfy_give_back_lent(DfyVideoEncoder *encoder, int number);
/* What the next anchor refers to first: the one before; its frame is NULL where anchors have no past. */
DfyReference dfy_anchor_past(const DfyVideoEncoder *encoder);
/* The kept anchor worth having as a reference, one nearer than the picture's neighbours in time are; 0: none. */
int dfy_find_long_term_anchor(const DfyGroupTask *group, const DfyMiniGroupPicture *place);
/* Sets the references that a task's header names. */
void dfy_set_references(const DfyVideoEncoder *encoder, DfyFrameTask *task, const DfyMiniGroupPicture *place);
/* The models that a picture begins with; NULL: new ones. */
const DfyContexts *dfy_models_for(const DfyVideoEncoder *encoder, const DfyMiniGroupPicture *place);
/* The motion of the camera against the picture's references in time. 0 or DFY_ERROR_MEMORY. */
int dfy_find_camera_motion(DfyVideoEncoder *encoder, DfyFrameTask *task, const DfyMiniGroupPicture *place);

/* Weighted references, which weighted_references.c lends where the light has changed and that helps. */
int dfy_lend_weighted_references(const DfyGroupTask *group, const DfyMiniGroupPicture *place, DfyFrameTask *task);
/* Puts the references back as they are: after the decisions, nobody looks at their pixels. */
void dfy_give_back_weighted_references(DfyVideoEncoder *encoder, DfyFrameTask *task);

#endif
