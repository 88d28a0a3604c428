/* How hard the encoder looks for the best way to code a picture, by effort. */
#ifndef DFY_VIDEO_EFFORT_H
#define DFY_VIDEO_EFFORT_H

typedef struct DfyEffort {
    /* Motion. */
    int search_steps; /* longest walk of a motion search, in steps */
    int references;   /* most references searched */
    int refine_two;   /* rounds of refinement of two-reference motion, 0: it is not tried */
    int diagonals;    /* fractions of a pixel: along the axes, and then at the four diagonal places */
    int all_places;   /* fractions of a pixel: at eight places around, rather than along the axes */
    int give_up;      /* no fractions for a reference whose whole-pixel vector costs far more than another's */
    int far_pairs;    /* try two references even where the second is far worse than the first */
    int slack;        /* measure motion that costs so many eighths more than the best so far as well */
    int few_merges;   /* rank the first merge candidates only, by predictions that are not refined */
    int merges;       /* so many merge candidates are looked at at most; 0: all */
    /* Blocks. */
    int parts;       /* try halves that move apart */
    int uneven;      /* Quarters of a block that costs next to nothing are tried where one of its 8x8 blocks is further
                        from the source than so many quarters of the noise that quantises to nothing; 0: always. */
    int uneven_skip; /* The same for all other ways to code a block that merges best without a residual. */
    int worth_quarters; /* quarters of a 16x16 block are tried where it takes so many bits; 0: always */
    int guess_splits;   /* a block that the models are sure will be split is only tried as a merged one */
    int still_first;    /* a superblock that shows what a reference shows is that, and nothing else is tried */
    /* Prediction within the picture. */
    int intra_tries;    /* luma modes taken to full measurement */
    int intra_step;     /* rank every so many directions at first */
    int intra_slack;    /* try it where it costs at most one such part more than inter */
    int coarse_intra;   /* for 4x4 rank only the most probable modes */
    int chroma_modes;   /* try all chroma modes */
    int intra_halves;   /* try halves, the second predicted from the first */
    int plain_intra;    /* with references: no 4x4 blocks, and no 8x8 ones either where nothing refers to the picture */
    int hopeless_intra; /* A block above 8x8 of a picture without references is not measured where its best mode is so
                           many sixteenths of the factor for absolute differences from it, a pixel; 0: always. */
    int thorough_intra; /* pictures that refer to nothing are decided with the settings of the greatest effort */
    /* Residuals. */
    int transform_split; /* try split transforms in inter blocks */
    int skip_noise;      /* residuals that look like noise are not transformed */
    /* Pictures. */
    int mctf_reach;        /* of the temporal filter, frames on either side: 1..DFY_MCTF_REACH */
    int weight_by_sources; /* look for weights only where sources say that the light may have changed */
    int alf_for_anchors;   /* no other pictures are given an adaptive loop filter */
} DfyEffort;

/* What an effort of 1 (fastest) to 9 (smallest) looks at. */
const DfyEffort *dfy_effort(int effort);

#endif
