"""What people do in a panel, read from the verbs of its description: who does it, and to whom.

The actor of a verb is whoever is named nearest before it, or the first on stage where nobody is.
"""

import itertools
from dataclasses import dataclass

from engine.offline.drawing.colours import words
from models.story import PanelData

# Regular forms are derived; irregular ones stand beside their verb.
_VERBS = {
    "run": "run runs ran running sprint dash flee flees fled fleeing hurry rush chase race bolt gallop trot",
    "fly": "fly flies flew flying flown soar flutter swoop",
    "walk": "walk stride strides strode striding stroll wander march pace step",
    "sit": "sit sits sat sitting seated perch crouch squat",
    "kneel": "kneel knelt bow stoop",
    "fall": "fall falls fell falling fallen stumble trip tumble slip collapse",
    "sleep": "sleep slept asleep doze nap",
    "lie": "lie lies lay lying",
    "jump": "jump leap leapt hop vault",
    "climb": "climb clamber scale",
    "dance": "dance twirl spin spins spun spinning",
    "embrace": "embrace hug kiss kisses cuddle",
    "push": "push shove fight fights fought fighting attack",
    "point": "point show shows showed shown gesture",
    "wave": "wave cheer greet beckon",
    "hold": "hold holds held holding carry grip clutch read reads offer take takes took taking raise lift",
    "think": "think thinks thought ponder wonder consider",
    "listen": "listen",
    "laugh": "laugh smile grin giggle chuckle beam",
    "weep": "weep weeps wept weeping cry sob",
    "scowl": "scowl frown glare growl",
    "fear": "tremble shiver cower flinch gasp scream shriek",
    "address": "speak speaks spoke speaking talk tell tells told telling ask answer whisper shout call reply face "
    "bark neigh meow",
}
# The same in German and French, every form as it is met: their verbs bend too much to be derived.
_ELSEWHERE = {
    "fly": "fliegt flog fliegen flogen flattert vole vola volait volent",
    "run": "rennen rennt rannte rannten läuft laufen lief liefen eilt eilte flieht floh stürmt stürmte rast "
    "courir court courent courut coururent courait couraient fuit fuient fuyait",
    "walk": "geht ging gingen gehen schreitet schritt wandert wanderte spaziert "
    "marcher marche marchent marcha marchait avance avança",
    "sit": "sitzen sitzt saß saßen setzt setzte hockt hockte kauert kauerte "
    "asseoir assied assoit assit assis assise assises accroupit accroupi accroupie",
    "kneel": "kniet kniete knien kniend verbeugt verbeugte agenouille agenouilla agenouillé agenouillée",
    "fall": "fallen fällt fiel fielen stürzt stürzte stolpert stolperte tomber tombe tombent tomba tombait trébuche "
    "trébucha",
    "sleep": "schlafen schläft schlief schliefen dormir dort dorment dormait dormit endormi endormie",
    "lie": "liegen liegt lag lagen gisait gît allongé allongée couché couchée",
    "jump": "springen springt sprang sprangen hüpft hüpfte sauter saute sautent sauta bondit",
    "climb": "klettern klettert kletterte steigt stieg grimper grimpe grimpent grimpa escalade",
    "dance": "tanzen tanzt tanzte tanzten danser danse dansent dansa dansait",
    "embrace": "umarmen umarmt umarmte umarmten küsst küsste embrasser embrasse embrassa étreint enlace enlaça",
    "push": "stoßen stößt stieß schubst schubste drängt kämpft kämpfte kämpfen pousser pousse poussa bouscule",
    "point": "zeigen zeigt zeigte deutet deutete montrer montre montra désigne désigna",
    "wave": "winken winkt winkte grüßt grüßte jubelt saluer salue salua",
    "hold": "halten hält hielt hielten trägt trug liest las nimmt nahm reicht hebt hob "
    "tenir tient tenait tint porte portait porta lisait prend prit lève tend tendit",
    "think": "denkt dachte überlegt überlegte grübelt penser pense pensa songe réfléchit",
    "listen": "lauscht lauschte horcht horchte écouter écoute écouta écoutait",
    "laugh": "lachen lacht lachte lachten lächelt lächelte grinst rire rit riait sourit souriait",
    "weep": "weinen weint weinte weinten schluchzt schluchzte pleurer pleure pleura pleurait sanglote",
    "fear": "zittert zitterte schreit schrie erschrickt erschrak trembler tremble trembla frémit",
    "address": "sagt sagte spricht sprach fragt fragte ruft rief antwortet antwortete flüstert flüsterte "
    "dit parle parla demande demanda répond répondit crie cria chuchote",
    "turn away": "détourne détourna détournée",
}
_AWAY = frozenset(words("turn look walk run step move face stare gaze stand"))
_FAR = frozenset(words("away weg ab fort"))
# Behind these a word is a noun, or is denied.
_ARTICLES = frozenset(
    words(
        "a an the his her their my your our its of this that no not never every some der die das den dem des ein eine "
        "einen einem einer sein seine ihr ihre kein keine zum zur le la les un une du son sa ses leur cette ce ne n"
    )
)
_DENIED = frozenset(words("nicht nie pas jamais"))
_WEATHER = frozenset(
    words(
        "night rain snow fog mist darkness dusk silence evening light dawn moonlight sun sunlight shadow shadows dust "
        "wind leaves water road path curtain nacht regen schnee nebel nuit pluie neige brume"
    )
)
_EVERYBODY = frozenset(words("they both everybody everyone all beide alle tous toutes"))
_AND = frozenset(words("and und et"))


@dataclass(frozen=True)
class Deed:
    """One verb: what is done (a key of the table), by which of the characters, to which other."""

    act: str
    who: int
    to: int | None = None


def deeds_of(panel: PanelData) -> list[Deed]:
    """Everything that those on stage do, in the order of the text."""
    text = words(panel.description)
    named = _named(panel, text)
    deeds: list[Deed] = []
    subject: tuple[int, ...] = (0,)
    everybody = False
    for at, word in enumerate(text):
        if at in named:
            # "Mara and Ilo run" is said of both.
            joined = at >= 2 and text[at - 1] in _AND and at - 2 in named
            subject, everybody = (*subject, named[at]) if joined else (named[at],), False
            continue
        if word in _EVERYBODY:
            subject, everybody = tuple(range(len(panel.characters))), True
        act = _act(text, at)
        if not act or not panel.characters:
            continue
        after = next((named[near] for near in range(at + 1, min(at + 6, len(text))) if near in named), None)
        # "Mara pushes Ilo and Finch falls": an -s is said of one alone.
        doers = subject[-1:] if word.endswith("s") and not everybody else subject
        for who in doers:
            other = next((one for one in doers if one != who), None)
            deeds.append(Deed(act, who, after if after is not None and after != who else other))
    return deeds


def _act(text: list[str], at: int) -> str:
    """The kind of deed of a word, or nothing where it is a noun, denied, or said of the weather."""
    before = text[at - 1] if at else ""
    if before in _ARTICLES or before in _WEATHER or (at + 1 < len(text) and text[at + 1] in _DENIED):
        return ""
    if text[at] in _TURNS and _FAR.intersection(text[at + 1 : at + 4]):
        return "turn away"
    if text[at] in _TURNS and "back" in text[at + 1 : at + 3] and text[at + 1] in _ARTICLES:
        return "turn away"
    return _ACTS.get(text[at], "")


def _named(panel: PanelData, text: list[str]) -> dict[int, int]:
    """Where in the text a character's name stands: position → character."""
    owners: dict[str, set[int]] = {}
    for number, profile in enumerate(panel.characters):
        for word in {word for name in (profile.name, *profile.aliases) for word in words(name)} - _ARTICLES:
            owners.setdefault(word, set()).add(number)
    # A word that two share, such as a family name, names neither.
    return {at: min(owners[word]) for at, word in enumerate(text) if len(owners.get(word, ())) == 1}


def _forms(verb: str) -> set[str]:
    """A verb as it stands and its regular forms: present, past, -ing."""
    stem = verb.removesuffix("e")
    forms = {verb, verb + "s", verb + "es", stem + "ed", stem + "ing"}
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        forms |= {verb[:-1] + "ies", verb[:-1] + "ied"}
    if len(verb) < 6 and verb[-1] not in "aeiouywx" and verb[-2:-1] in "aeiou" and verb[-3:-2] not in "aeiou":
        forms |= {verb + verb[-1] + "ed", verb + verb[-1] + "ing"}
    return forms


_ACTS = {form: act for act, forms in _ELSEWHERE.items() for form in words(forms)} | {
    form: act
    for act, verbs in reversed(list(_VERBS.items()))
    for form in itertools.chain.from_iterable(_forms(verb) for verb in verbs.split())
}
_TURNS = frozenset(form for verb in _AWAY for form in _forms(verb)) | frozenset(
    words("ran stood running dreht drehte wendet wandte")
)
