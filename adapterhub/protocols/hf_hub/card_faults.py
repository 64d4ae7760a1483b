"""What is wrong with the YAML of a model card, told before it is sent."""

from adapterhub.protocols.hf_hub.card import FRONT, LARGEST

__all__ = ["faults_of"]


def faults_of(text: str) -> list[str]:
    """Why the YAML of a card cannot be read; nothing where it can, or where there is none.

    >>> faults_of("---\\ntags: [a]\\n---\\n"), faults_of("---\\n- a\\n---\\n")
    ([], ['the YAML is not a mapping'])
    """
    import yaml

    found = FRONT.match(text)
    if found is None:
        return []
    if len(found[1]) > LARGEST:
        return [f"the YAML has {len(found[1])} characters, and at most {LARGEST} are read"]
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(found[1], Loader=yaml.SafeLoader)):
            return ["the YAML has aliases (*name), which are not read"]
        read = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return [f"the YAML cannot be read: {' '.join(str(error).split())[:300]}"]
    return [] if read is None or isinstance(read, dict) else ["the YAML is not a mapping"]
