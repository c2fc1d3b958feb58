// SPDX-License-Identifier: BSD-3-Clause
// What man pages say beyond the options: tables.
#include "manual_impl.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const htf_manual_row exits[] = {
    {"0", "all done"},
    {"1", "internal error"},
    {"2", "wrong usage"},
    {"3", "the sweep file is invalid"},
    {"4", "done, but some runs failed"},
    {"5", "stopped early: the same command goes on"},
    {"6", "environment: file system, memory, MPI"},
    {"7", "input data are invalid"},
};

const htf_manual_row *htf_manual__exits(int *count) {
  *count = COUNT(exits);
  return exits;
}

static const htf_manual_variable variables[] = {
    {"HTFLOW_LOG", NULL,
     "What the log on standard error holds: error, warn, info (the default) or debug, each "
     "with those before it."},
    {"OPENBLAS_CORETYPE", NULL,
     "The kernels of OpenBLAS. Where it is not set and OpenBLAS does not know the "
     "processor, htflow chooses those that fit; results differ in their last bits between "
     "kernels."},
    {"HTFLOW_PYTHON", "report",
     "The Python interpreter that makes the page, where it is not /usr/bin/python3."},
    {"OMPI_COMM_WORLD_RANK, PMIX_RANK, PMI_RANK, SLURM_PROCID", NULL,
     "The rank that a launcher gave this process, known without MPI, so that one rank alone "
     "prints help."},
    {"SLURM_JOB_END_TIME", "run",
     "When the job's time ends: `run` stops in order before it, as for --deadline."},
    {"SLURM_JOB_ID", "run,doctor",
     "The job: `run` keeps it with its leases, `doctor` asks SLURM about it."},
    {"SLURM_RESTART_COUNT", "run",
     "How often SLURM requeued the job, which then takes over its own runs at once."},
    {"SLURM_CPUS_PER_TASK", "doctor", "The cores that each rank should be bound to."},
    {"OMPI_ALLOW_RUN_AS_ROOT, OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "doctor",
     "Both set to 1 let root use mpirun: Open MPI's, looked at by `doctor`."},
};

const htf_manual_variable *htf_manual__variables(int *count) {
  *count = COUNT(variables);
  return variables;
}

static const htf_manual_row files[] = {
    {"DIR/sweep.yaml", "The sweep with every default written out: what DIR holds."},
    {"DIR/sweep-as-given.yaml", "The sweep file as the user wrote it."},
    {"DIR/journal/*",
     "Finished runs and checkpoints, one SQLite file a rank, and their locks. Never to be "
     "edited, moved or deleted while DIR is of use."},
    {"DIR/leases/*", "Which job works on which runs; made and removed by `run`."},
    {"DIR/log/*.jsonl", "What each rank did when, a JSON object a line; for `status`, and "
                        "for people."},
    {"DIR/results.h5", "All runs in one file, written at the end of `run` and by `gather`: "
                       "htflow-results(5)."},
};

const htf_manual_row *htf_manual__files(int *count) {
  *count = COUNT(files);
  return files;
}

static const htf_manual_example examples[] = {
    {"init", "htflow init scale.yaml", "A sample with every key explained, to be edited."},
    {"init", "htflow init --schema > sweep.schema.json",
     "The schema, by which an editor checks and completes sweep files."},
    {"plan", "htflow plan scale.yaml --ranks 8,64",
     "What the sweep runs, and how long 8 and 64 ranks would take."},
    {"plan", "htflow plan scale.yaml --set init.std=0.01 --resolved",
     "The sweep with one key changed and all defaults written out."},
    {"plan", "htflow plan scale.yaml --out scale --sbatch scale.sbatch",
     "A job script with the ranks, time and memory that the sweep should take."},
    {"run", "mpirun -n 8 htflow run scale.yaml --out scale",
     "Run the sweep on 8 ranks; after any interruption the same command goes on."},
    {"run", "srun --mpi=pmix htflow run scale.yaml --out scale --deadline 3500",
     "The same within a SLURM allocation, leaving in order before the hour is over."},
    {"run", "htflow run wider.yaml --out scale --grow",
     "Add the runs of a wider sweep to those that are done."},
    {"status", "htflow status scale --watch", "Look on until all runs are done."},
    {"gather", "htflow gather scale -o so-far.h5 --partial",
     "What there is of a sweep that is still running, as one file."},
    {"explain", "htflow explain scale 17", "Why did run 17 end?"},
    {"explain", "htflow explain scale 17 --yaml > run17.yaml",
     "A sweep file of that run alone."},
    {"check", "htflow check scale/results.h5",
     "Is the file sound, and does the theory hold in it?"},
    {"report", "htflow report scale/results.h5 -o scale.html",
     "One page with the figures and the table of runs, to be mailed."},
    {"rank", "htflow rank scale/results.h5 --run 17",
     "Ranks and singular values at every node of the tree, of the last weights of run 17."},
    {"rank", "mpirun -n 4 htflow rank tensor.h5 --tree binary --json",
     "The same of a dense tensor over four ranks, for a program to read."},
    {"tensor", "mpirun -n 4 htflow tensor scale/results.h5 --run 17 --out tensor.h5",
     "The end tensor of run 17 with all its entries."},
    {"bench", "htflow bench --problem 4,8,64,2048", "One problem instead of five."},
    {"doctor", "htflow doctor --out scale", "Is this machine, and this directory, fit?"},
    {"help", "htflow help observables", "What a run can record, and what it costs."},
    {"help", "htflow help --man sweep | man -l -",
     "A man page where none is installed: that of the sweep file."},
    {"help", "source <(htflow help --completion bash)",
     "Completion in this shell, where none is installed."},
    {"version", "htflow version --cite", "How to cite htflow and the paper behind it."},
};

const htf_manual_example *htf_manual__examples(int *count) {
  *count = COUNT(examples);
  return examples;
}

static const htf_manual_format formats[] = {
    {"sweep", "the sweep file of htflow", htf_manual__write_sweep},
    {"results", "the results file of htflow", htf_manual__write_results},
};

const htf_manual_format *htf_manual__formats(int *count) {
  *count = COUNT(formats);
  return formats;
}
