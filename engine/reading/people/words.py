"""Word lists: what the offline writer knows about locations, times, weather, moods, looks and ways to speak."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PLACES = _words("""
harbour harbor quay pier dock wharf beach shore island lighthouse boat ship deck bridge river lake sea street alley
lane road square market shop bakery tavern inn pub cafe café kitchen bedroom parlour hall corridor stairs staircase
attic cellar basement room house cottage cabin hut farm barn stable castle tower palace dungeon church chapel temple
cemetery graveyard garden orchard park forest woods wood field meadow hill mountain cave desert valley village town
city school classroom library office hospital prison station platform train carriage bus car airport laboratory lab
surgery museum gallery court camp tent roof rooftop balcony porch yard courtyard gate tunnel
churchyard tannery bank galley bathroom hotel restaurant bar clinic studio greenhouse mill well ruins swamp jungle
spaceship cockpit moon
""")
STREET_WORDS = _words("street road lane quay square bridge bay house inn island hill park station avenue river harbour")

TIMES = [
    ("night", _words("night midnight moon moonlight moonlit stars starlight lamplight lantern lanterns dark")),
    ("dawn", _words("dawn sunrise daybreak cockcrow")),
    ("morning", _words("morning breakfast")),
    ("noon", _words("noon midday lunch")),
    ("afternoon", _words("afternoon tea")),
    ("dusk", _words("dusk sunset twilight")),
    ("evening", _words("evening supper")),
]
WEATHERS = [
    ("fog", _words("fog foggy mist misty haze")),
    ("storm", _words("storm stormy thunder lightning gale tempest hail")),
    ("rain", _words("rain rainy raining drizzle downpour puddles")),
    ("snow", _words("snow snowy snowing blizzard snowflakes frost")),
    ("wind", _words("wind windy breeze gust")),
    ("sun", _words("sunny sunlight sunshine sun")),
]
MOODS = [
    (
        "tense",
        _words("fear afraid frightened danger scream screamed blood dead death hurry ran chased knife gun dark help"),
    ),
    ("sad", _words("tears wept cried sobbed grave lost alone lonely mourning sorrow goodbye grief empty")),
    ("joyful", _words("laughed smiled grinned joy happy dance danced cheer cheered giggled merry laughter smile")),
    ("mysterious", _words("secret strange shadow shadows whispered mystery fog hidden ghost unknown silent")),
    ("warm", _words("warm tea bread soup stove kettle kind gentle hugged home blanket fire")),
    ("angry", _words("angry rage furious fury slammed snapped snarled hate hated fist glared wrath")),
]

WHISPERS = _words(
    "whisper whispered whispers whispering hissed hisses breathed breathes softly quietly"
    " flüsterte leise chuchota souffla"
)
SHOUTS = _words(
    "shout shouted shouts shouting yelled yells yelling screamed screams bellowed bellows roared roars bawled shrieked"
    " schrie brüllte hurla"
)
# Loud only in the words themselves.
CALLS = _words("cried cries called calls exclaimed exclaims rief cria écria exclama boomed barked howled")
THOUGHTS = _words("thought thinks thinking wondered wonders mused dachte pensa подумал подумала")

NOT_NAMES = _words("""
i i'm i'll i've i'd the a an and but or nor so yet for if then when while where why how who what which whose that this
these those there here he she it we you they his her its our your their him them me us my mine yours one two three four
five six seven eight nine ten no not never nothing nobody none yes oh ah eh hey hello hi well now ok okay please thanks
thank sorry god lord monday tuesday wednesday thursday friday saturday sunday january february march april may june july
august september october november december christmas easter in on at by of to from with without into onto over under
before after during behind between beyond across along around through until since as like because though although even
still just only all some any each every both many much more most few other another such same first second third last
next once twice again soon later maybe perhaps suddenly finally meanwhile somewhere someone somebody something everyone
everybody everything anyone anybody anything today tomorrow yesterday tonight outside inside up down out off away back
let come go look see wait stop take give get do did does is are was were be been have has had can could will would shall
should must might good bad old new great little big long too very quite almost above below near far english french
chapter part scene act int ext mr mrs ms miss dr sir madam madame captain doctor professor mother father mum mom dad
mama papa grandmother grandfather aunt uncle king queen prince princess don't can't won't didn't isn't it's that's
there's what's he's she's they're we're you're let's who's
majesty highness honour madam mister missus darling dear boss chief cap lad lass eleven twelve twenty fifty hundred
thousand half nine
nur und aber doch auch noch dann als wenn weil der die das den dem ein eine einen er sie es wir ihr ich ja nein nicht
so wie was wer wo warum im am auf in um guten
le la les un une des et mais alors puis quand on il elle ils elles vous nous je tu ce cette oui non ne pas qui que
comme dans sur au aux du en pour par
""")
TITLES = _words(
    "mr mrs ms miss dr sir lady lord captain capt doctor professor prof mother father aunt uncle king queen prince"
    " princess sister brother old young little sergeant inspector detective constable major colonel general madame"
    " reverend lieutenant corporal judge"
)
HER_TITLES = _words("mrs ms miss lady madame mme mlle frau sister granny gran aunt auntie mother queen princess dame")
HIS_TITLES = _words("mr mister sir lord herr uncle father king prince brother reverend maître monsieur m")

# Words for people without a name, including animals in stories.
PEOPLE = _words("""
ladyship lordship rider stoker washerwoman drover widow boss chief tailor bailiff steward stewardess
man woman boy girl child lad lass stranger traveller rider sailor soldier guard policeman policewoman officer sergeant
constable detective inspector captain mate bosun cook skipper pilot driver conductor porter clerk manager boss
secretary engineer mechanic doctor nurse surgeon vet teacher student pupil professor priest vicar parson monk nun
bishop abbot king queen prince princess knight duke duchess lord lady herald wizard witch giant dwarf elf fairy
dragon ghost troll ogre miller baker butcher smith blacksmith farmer shepherd shepherdess fisherman hunter woodcutter
innkeeper barman barmaid bartender landlord landlady waiter waitress maid butler servant gardener keeper caretaker
janitor merchant shopkeeper tailor cobbler carpenter mayor judge lawyer notary banker thief robber pirate gambler
sheriff deputy marshal outlaw cowboy widow widower bride groom beggar pedlar musician singer dancer painter poet
writer editor reporter photographer actor director mother father sister brother uncle aunt cousin grandmother
grandfather granny grandpa nephew niece son daughter wife husband twin baby neighbour visitor guest passenger inspector
apprentice archer assistant astronaut astronomer barber beekeeper bellringer boatman bookseller brewer bricklayer
builder cabman carter chambermaid chaplain chauffeur chimneysweep clockmaker clown coachman commander commissioner
cadet chandler chemist choirboy comrade constable councillor courier cowherd crone curate custodian dealer dentist
diver dockhand doorman doorkeeper draper dressmaker drummer dyer emperor empress envoy examiner executioner farmhand
ferryman fiddler fireman fishwife fishmonger florist fool footman foreman forester foundling friar gamekeeper gaoler
gatekeeper glazier goatherd goldsmith governess governor grocer groundsman gunner harbourmaster headmaster
headmistress helmsman hermit historian housekeeper huntress huntsman inventor investigator jailer jester jeweller
juggler kitchenmaid lamplighter landowner laundress librarian lieutenant lighthouse-keeper locksmith magician
magistrate maidservant manservant mason matron messenger midwife milkmaid milkman miner minister minstrel navigator
newcomer newsboy nursemaid onlooker orphan pedestrian pharmacist physician pickpocket pianist plumber ploughman
poacher postman postmaster postmistress postwoman potter preacher prefect president prioress prisoner
prospector publican purser ranger recruit rector referee registrar ringmaster roofer saddler saleswoman salesman
scholar scientist scout scribe sculptor seamstress seaman sentry sergeant-major sexton shoemaker signalman sister-in-law
smuggler sorcerer spy squire stableboy stationmaster steersman stepmother stepfather stonemason storekeeper
storyteller sultan superintendent swineherd tanner tax-collector technician tinker translator trader trapper trumpeter
tutor umbrella-maker undertaker usher valet verger veteran violinist warden warder warrior watchman watchmaker weaver
wheelwright woodsman workman wrestler
kapitän räuber wirt wirtin bauer bäuerin lehrer lehrerin arzt ärztin schneider schuster müller jäger fischer pfarrer
köchin koch kellner kellnerin soldat könig königin prinz prinzessin hexe riese zwerg
förster schmied matrose steuermann schaffner schaffnerin bürgermeister bürgermeisterin händler kutscher briefträger
boulanger boulangère boucher facteur capitaine roi reine curé médecin docteur maire marin paysan paysanne chasseur
soldat gendarme aubergiste inconnu inconnue étranger étrangère maître maîtresse institutrice instituteur
cuisinier cuisinière marchand marchande meunier bergère berger sorcière horloger infirmière serveuse serveur
fox wolf bear dog cat goose duck hen cock rooster crow raven owl wren robin mouse rat frog toad rabbit hare hedgehog
horse mule donkey goat sheep cow pig lion tiger monkey parrot whale spider snake computer robot machine android
mann frau junge mädchen kind bäcker nachbarin nachbar wächter polizist mutter vater
homme femme garçon fille enfant gardien pêcheur notaire mère père voisin voisine
""")
WOMEN = _words("""
woman lady girl lass lassie mother mum mom mama sister aunt auntie grandmother grandma granny gran landlady maid queen
princess nun widow wife bride niece daughter duchess countess witch abbess hostess ladyship shepherdess barmaid
policewoman waitress washerwoman actress stewardess schoolgirl chambermaid crone dressmaker empress fishwife governess
headmistress housekeeper huntress kitchenmaid laundress maidservant matron midwife milkmaid nursemaid postmistress
postwoman prioress saleswoman seamstress sister-in-law stepmother sorceress
wirtin bäuerin kellnerin prinzessin schaffnerin bürgermeisterin
boulangère paysanne inconnue étrangère maîtresse institutrice cuisinière marchande bergère infirmière serveuse
frau mädchen bäckerin nachbarin mutter schwester tante großmutter oma tochter königin hexe köchin lehrerin ärztin
mère dame fille femme sœur tante grand-mère voisine reine sorcière petite vieille
""")
MEN = _words("""
man gentleman boy lad laddie father dad papa brother uncle grandfather grandpa landlord king prince monk widower husband
groom nephew son duke count lordship fellow fella chap bloke guy bosun vicar parson priest bishop abbot friar reverend
squire knight wizard waiter policeman fisherman cowboy sheriff drover blacksmith mister butler footman schoolboy
boatman cabman choirboy coachman doorman emperor ferryman fireman foreman gamekeeper groundsman harbourmaster
headmaster helmsman huntsman lamplighter manservant milkman newsboy ploughman postman postmaster ringmaster salesman
seaman signalman stableboy stationmaster steersman stepfather sultan watchman woodsman workman valet
wirt bauer arzt schneider schuster jäger fischer koch kellner soldat räuber kapitän förster schmied matrose steuermann
schaffner bürgermeister händler kutscher briefträger
boulanger boucher facteur capitaine curé médecin maire marin paysan chasseur gendarme inconnu étranger instituteur
cuisinier marchand meunier berger horloger serveur
scotsman irishman englishman frenchman welshman dutchman
mann junge herr vater bruder onkel großvater opa sohn könig prinz nachbar bäcker müller wirt lehrer pfarrer
monsieur homme garçon père frère oncle grand-père fils roi prince voisin pêcheur notaire gardien maître petit vieux
""")
# Things called "it" that still speak like people.
PERSONS = _words("ghost child baby computer robot machine android")
# Called "it" as often as "he" or "she".
CREATURES = _words("""
fox wolf bear dog hound puppy cat kitten goose gander duck drake hen cock rooster crow raven owl wren robin sparrow
eagle hawk gull pigeon swan mouse rat frog toad rabbit hare hedgehog squirrel badger mole otter beaver horse mare pony
foal mule donkey goat kid sheep ram lamb tup ewe cow bull calf ox pig sow boar lion tiger elephant monkey ape parrot
whale fish shark seal spider bee ant snake lizard dragon bird beast animal creature computer robot machine android
ghost child baby fuchs hund katze brot pferd vogel chien chat renard cheval oiseau
""")
# Words before a person without a name: "the sailor", "my uncle".
ARTICLES = (
    "the",
    "my",
    "our",
    "your",
    "his",
    "her",
    "their",
    "der",
    "die",
    "das",
    "mein",
    "meine",
    "le",
    "la",
    "mon",
    "ma",
)
# Nouns beside a quote that are no people.
NOBODY = _words("""
voice words word answer reply letter note sign notice next same other moment minute day night morning evening time
thing way truth end rest paper book page card telegram message radio poster label inscription least first last
""")
# The only person with the title is whom the role means.
RANKS = {
    "doctor": {"dr"},
    "surgeon": {"dr"},
    "nun": {"sister"},
    "monk": {"brother"},
    "priest": {"father", "reverend"},
    "vicar": {"reverend"},
    "parson": {"reverend"},
    "bishop": {"reverend"},
    "skipper": {"captain", "capt"},
    "policeman": {"constable", "sergeant"},
    "officer": {"lieutenant", "constable", "sergeant", "captain"},
    "detective": {"inspector"},
    "teacher": {"professor"},
    "ladyship": {"lady"},
    "lordship": {"lord"},
}
_SHORT = """
tom tommy thomas; will bill billy willie william; bob bobby rob robbie robert; dick rick richard; jack johnny john;
jim jimmy jem james; joe joey joseph; ned ted eddie edward; harry hal henry; charlie charles; sam sammy samuel;
ben benny benjamin; dan danny daniel; dave davy david; mike mick michael; nick nicky nicholas; alex alec alexander;
andy andrew; tony anthony; fred freddie frederick; george georgie; kit christopher; matt matthew; pete peter;
phil philip; steve stephen; len lenny leonard; wilf wilfred; archie archibald; bert albert;
liz lizzie beth bess betty elizabeth; meg maggie peggy margaret; kate katie kitty katherine; nell nellie ellen;
sal sally sarah; moll molly polly mary; annie nan anne; jenny jennifer; sue susie susan; tess tessie theresa;
lottie charlotte; dot dottie dorothy; becky rebecca; vicky victoria; millie mildred; hattie harriet; bea beatrice
"""
# Short names → the long form, so that Tom and Thomas are one.
LONG_NAMES = {short: group.split()[-1] for group in _SHORT.split(";") for short in group.split()}

# First names that leave little doubt, where no pronoun helps.
HIS_NAMES = _words("""
aaron abel adam alan albert alexander alfred amos andrew anthony anton archibald arthur asa barnaby benjamin bernard
bertrand bruno caleb carl carlos charles christopher claude cyril daniel david dennis desmond dominic donald dougal
douglas duncan edgar edmund edward eli elias elijah emil enoch eric ernest ernst ezra felix fergus francis frank
frederick fritz gaspard geoffrey george gerald gideon gilbert giovanni gregory gustav gustave guy hans harold harry
henri henry herbert horace hugh hugo ian isaac isaiah ivan jack jacob jacques james jasper jean jem jeremiah jerome
jesse jim joe john jonah jonas jonathan joseph joshua josiah juan julian julius karl kenneth klaus kurt lars laurence
lawrence leo leonard levi lewis lorenzo louis lucas luis luke magnus malcolm marcel marco marcus mark martin matthew
max micah michael miles mohammed moritz mortimer nathan nathaniel neil nicholas nigel noah norman oliver omar oscar
oswald otto owen paolo patrick paul pedro percy peter philip philippe pierre quentin ralph ramón raymond reginald rené
richard robert roger roland ronald rupert russell samuel sebastian sergei silas simon solomon stanley stefan stephan
stephen stewart stuart terence thaddeus theodore thomas timothy tobias toby tom tomas ulrich vernon victor vincent
virgil walter wilfred wilhelm william wolfgang yves zachary
""")
HER_NAMES = _words("""
abby abigail ada adele agatha agnes alexandra alice alma amanda amelia amy angela anita anna anne annie antonia astrid
augusta barbara beatrice bella bertha birgit brenda bridget brigitte camille carmen carol caroline catherine cecilia
cecily celia charlotte chloe clara claudia cleo constance cora cordelia daisy daphne deborah delia delphine denise
diana doris dorothy edith eleanor elena elise eliza elizabeth ella ellen elsa elsie emily emma enid erica esme estelle
esther ethel eugenia eunice eva eve evelyn faith fatima felicity fiona fleur flora florence frances freya genevieve
georgia geraldine gertrude gisela gloria grace greta gretel gwen hannah harriet hazel hedwig heidi helen helena hester
hilda honor hope hélène ida ilse imogen ines ingrid irene iris isabel isla ivy jane janet jeanne jennifer jessica jill
joan josephine josie judith julia juliet juliette karen katherine kirsten laura layla leah leila lena lily linda lisa
liza lois lorna lotte louisa louise lucille lucy lydia mabel madeleine madge maeve margaret margot maria marian marie
marjorie marlene martha martine mary matilda maud maya mercy meredith mildred millie mina minna miriam molly mona
muriel myrtle nancy naomi natalie nell nina nora odette olga olive olivia opal patience paula pauline pearl peggy
penelope petra phoebe polly priscilla prudence rachel rebecca renata rosa rosalind rosamund rose rosemary roxanne ruby
ruth sabine sabrina sally sarah selma sheila sigrid simone sonia sophia sophie stella susan sylvia tabitha tamara
teresa theresa tilda tina una ursula valerie vera victoria viola violet virginia vivian wanda wilhelmina winifred
xenia yolanda yvonne zoe
""")

# Possessives: whose brother depends on who is mentioned.
KIN = _words("""
mother father sister brother uncle aunt cousin grandmother grandfather nephew niece son daughter wife husband dad mum
mutter vater schwester bruder frau mann mère père sœur frère
""")

# After these words, a name says where something happens, not who does it.
PREPOSITIONS = _words("""
at to of for with from by on in upon after behind beside past than like about around into over under against near
towards toward without between before bei mit von zu für auf an über unter neben vor hinter de du à avec pour chez
vers sur dans contre sans devant derrière
""")

# What anybody may be called, whatever they do.
GENERAL = _words("""
man woman gentleman lady fellow fella chap bloke guy person stranger traveller visitor guest neighbour englishman
scotsman irishman frenchman welshman dutchman herr frau mann dame homme femme monsieur vieux vieille nachbar nachbarin
voisin voisine mother father sister brother uncle aunt cousin grandmother grandfather granny mère père mutter vater
boy girl lad lass lassie laddie child kid junge mädchen garçon fille enfant petite passenger widow bride hero ladyship
lordship
""")

# Too young for a trade.
CHILDREN = _words("""
boy girl lad lass lassie laddie child kid junge mädchen garçon fille enfant petite
""")

COLOURS = _words(
    "red blue green yellow orange purple violet pink brown black white grey gray silver golden gold crimson scarlet"
    " navy teal turquoise ochre olive copper auburn chestnut blond blonde ginger indigo amber cream beige mustard"
)
CLOTHES = _words(
    "coat raincoat jacket cloak shawl apron dress skirt shirt blouse trousers jeans sweater jumper hoodie scarf hat cap"
    " hood boots gloves uniform robe vest waistcoat suit tie overalls oilskin oilskins cardigan cape tunic gown pyjamas"
    " smock dungarees tailcoat robes"
)
HAIR = _words("hair braid braids plait plaits curls beard moustache mustache bald ponytail fringe bun")
FACE = _words("eyes face nose freckles scar cheeks chin spectacles glasses wrinkles eyebrows jaw dimples")
BUILD = _words("tall short small thin slim broad stout plump wiry lanky heavy big tiny burly slender stooped")
AGES = [
    (re.compile(r"\b(?:boy|girl|child|kid)\b", re.IGNORECASE), "about ten years old"),
    (re.compile(r"\b(?:teenager|teenage|lad|lass|apprentice|schoolgirl|schoolboy)\b", re.IGNORECASE), "in the teens"),
    (
        re.compile(r"\b(?:old (?:man|woman)|elderly|grandmother|grandfather|grandma|grandpa)\b", re.IGNORECASE),
        "about seventy",
    ),
    (re.compile(r"\b(?:young (?:man|woman))\b", re.IGNORECASE), "in the early twenties"),
]
PROPS = _words(
    "lantern lamp umbrella sword staff book satchel bag basket walking-stick cane pipe camera guitar violin key map"
    " telescope ladder notebook letter knife rope bucket broom"
)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"[^\W\d_][\w’'-]*", text.lower())
