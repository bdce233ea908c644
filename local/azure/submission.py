"""From the body of a job to the runs it becomes."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local.azure.assets import Assets
from local.azure.runs import Kind, Run, pipeline_properties

#: The component whose step makes a job register a new model version; its literal input `model_name` names the model.
REGISTERS = "register_model"
PARENT_INPUT = re.compile(r"\$\{\{\s*parent\.inputs\.([A-Za-z0-9_]+)\s*\}\}")


def run_of(name: str, job: Mapping[str, Any], *, assets: Assets, created: datetime, failing: Mapping[str, str]) -> Run:
    """The run of the job *name* with the ARM properties *job*; components in *failing* fail with that error."""
    pipeline = job.get("jobType") == "Pipeline"
    run = Run(
        run_id=name,
        name=str(job.get("displayName") or name),
        experiment=str(job.get("experimentName") or "Default"),
        kind=Kind.PIPELINE if pipeline else Kind.COMMAND,
        created=created,
        tags={key: str(value) for key, value in (job.get("tags") or {}).items()},
        properties=(pipeline_properties() if pipeline else {})
        | {key: str(value) for key, value in (job.get("properties") or {}).items()},
        literals=_literals(job.get("inputs"), {}),
    )
    if pipeline:
        _add_steps(run, job, assets)
    for each in run.everything():
        each.fails_with = failing.get(each.component.partition(":")[0], "") if each.component else ""
    return run


def registration(job: Run) -> tuple[str, Run] | None:
    """The name of the model that *job* registers and the step that does, if it has one."""
    for run in job.everything():
        model = run.literals.get("model_name") or job.literals.get("model_name")
        if run.component.partition(":")[0] == REGISTERS and model:
            return model, run
    return None


def _add_steps(run: Run, job: Mapping[str, Any], assets: Assets) -> None:
    steps: Mapping[str, Any] = job.get("jobs") or {}
    for name, step in steps.items():
        component = assets.component_of(step.get("componentId"))
        literals = _literals(step.get("inputs"), run.literals)
        reference = f"{component.name}:{component.version}" if component else ""
        inner = component.spec.get("steps", ()) if component else ()
        if inner:
            nested = run.add_nested(name)
            for below in inner:
                nested.add_step(below, component=below, literals=literals)
        else:
            run.add_step(name, component=reference, literals=literals)
    whole = assets.component_of(job.get("componentId"))
    if whole and not steps:
        for name in whole.spec.get("steps") or (whole.name,):
            run.add_step(name, component=name, literals=dict(run.literals))


def _literals(inputs: object, outer: Mapping[str, str]) -> dict[str, str]:
    """The literal inputs by name; one that is bound to an input of the pipeline has that one's value.

    A job spells the discriminator `jobInputType`, a step `job_input_type`.
    """
    found: dict[str, str] = {}
    for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
        if isinstance(value, Mapping) and "literal" in {value.get("jobInputType"), value.get("job_input_type")}:
            text = str(value.get("value", ""))
            bound = PARENT_INPUT.fullmatch(text)
            found[name] = outer.get(bound[1], "") if bound else text
    return found
