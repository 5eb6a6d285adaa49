"""What people write when they need or offer help, and the kinds of help that each sentence names.

The second tables were written after the lexicons, to see what is not understood: 71 of their 80 were at
first. What was missing was added where others would say it too.
"""

ENGLISH = """
my grandmother needs her insulin = medicine
can anyone pick up antibiotics from the pharmacy for me = medicine
my son cut his hand and the wound needs cleaning by a nurse = nursing
we need someone who knows first aid at the school = first_aid
I need a doctor to look at my father = doctor
my wife is pregnant and has questions for a midwife = midwife
since the quake I have panic and nightmares, is there a psychologist = counselling
we are short of bandages and masks = medical_supplies
grandpa lost his walking stick in the rubble, does anyone have crutches = mobility_aids
we have nothing to eat = food
could somebody cook for 80 people at the school = meals
need baby formula = baby_food
there is no drinking water in our street = drinking_water
is there any halal food = special_food
I live alone and would like a visit = company
someone to come with me to the hospital appointment = accompanying
can someone post a letter for my mum at the post office = errands
my mother needs help getting dressed in the morning = personal_care
our kitchen is full of mud, need help cleaning = cleaning
we need dry clothes and socks for two children = clothes
blankets = bedding
we need soap and toilet paper = hygiene
does anyone have a table and chairs to give away = goods
need a lift to the hospital tomorrow = transport
my father is in a wheelchair, need a wheelchair taxi = wheelchair_ride
does anyone have a truck for donations = cargo
need strong arms to carry boxes = carrying
can someone deliver a parcel across town = delivery
my car won't start = car_trouble
looking for a bike for my way to work = bicycles
the tap is leaking = plumbing
need an electrician, sockets are dead = electrics
the heating is broken = heating
my fridge stopped working = appliances
the front door won't close since the earthquake = carpentry
I lost my keys, need a locksmith = locks
our roof is damaged and it will rain = building
can I borrow a ladder = tools
can someone sew curtains = sewing
we have nowhere to sleep tonight = shelter
any tents or sleeping bags left? = tents
somewhere to store our furniture = storage_room
where can I take a hot shower = washing_place
need a babysitter for two kids while I queue for papers = childcare
can anyone walk my daughter to school = school_run
homework help in maths for my son = tutoring
we ran out of diapers = baby_things
looking for someone to look after my elderly mother = elder_care
I need someone to feed my cat = pets
we have no dog food left = pet_food
my dog is injured, is there a vet = vet
my cat is stuck in a tree = animal_rescue
can translate Arabic = interpreting
I need this letter translated = translating
need an interpreter for a deaf man = sign_language
I want to learn Spanish, are there Spanish classes = language_lessons
help with paperwork for my new passport = papers
my landlord wants to throw me out, I need legal advice = legal_advice
my residence permit is running out = asylum
how do I apply for housing benefit = benefits
help with the insurance claim for our house = money
I lost my job and need help with my cv = work
my laptop is slow, can someone look at it = digital
no internet at home since Monday = internet
could anyone lend me a laptop for school = devices
I need to print ten pages = printing
phone charging = charging
where can I charge my phone = charging
we need a generator, no electricity = power
does anybody have firewood = heaters
torches and batteries please = lights
need diesel for the generator = fuel
our cellar is flooded, we need a pump = pumping
need someone to dig, house collapsed = digging
I can join a search party with my drone = searching
I have a boat = boats
we need sandbags before the river comes = sandbags
is my house still safe? there are cracks in the wall = building_check
a tree fell on our fence = trees
I can't reach my relatives, help me find my family = reunite
I can coordinate volunteers = organising
I can answer the phones = office
hands to sort donations = sorting
I can take a night shift at the shelter = running_shelter
we need people for a night watch against looters = watch
our church hall is free for meetings = venue
I need a ride and someone who interprets = transport interpreting
"""

SPANISH = """
mi abuela necesita su insulina = medicine
alguien puede ir a la farmacia por mis pastillas = medicine
hace falta una enfermera para poner inyecciones = nursing
sé primeros auxilios = first_aid
necesito que un médico vea a mi padre = doctor
estoy embarazada y busco una matrona = midwife
mi hijo tiene pesadillas desde el terremoto, necesitamos un psicólogo = counselling
faltan vendas y mascarillas = medical_supplies
necesito unas muletas = mobility_aids
no tenemos nada de comer, hace falta comida = food
puedo cocinar para 50 personas en el albergue = meals
leche de fórmula para mi bebé = baby_food
no hay agua potable = drinking_water
necesito comida sin gluten = special_food
mi vecina vive sola y quiere compañía = company
alguien que me acompañe al juzgado = accompanying
puede alguien hacer cola por mí en correos = errands
mi padre necesita ayuda para ducharse = personal_care
tenemos la casa llena de barro, hace falta gente para limpiar = cleaning
necesitamos ropa de abrigo para tres niños = clothes
mantas = bedding
nos falta jabón y papel higiénico = hygiene
regalo un sofá y unas sillas = goods
necesito que me lleven al hospital, ¿alguien con coche? = transport
mi madre va en silla de ruedas y necesita transporte adaptado = wheelchair_ride
tengo un camión para llevar donaciones = cargo
hace falta gente para cargar cajas = carrying
¿alguien puede recoger un paquete? = delivery
mi coche no arranca = car_trouble
busco una bicicleta para ir al trabajo = bicycles
gotea el grifo de la cocina = plumbing
tengo una furgoneta y sé de electricidad = transport electrics
se ha roto la caldera = heating
la nevera no enfría, ¿quién puede arreglarla? = appliances
la puerta no cierra desde el terremoto, necesito un carpintero = carpentry
he perdido las llaves de casa = locks
hay una gotera en el techo, necesito un albañil = building
¿alguien me presta una pala? = tools
sé coser = sewing
no tenemos donde dormir = shelter
necesitamos tiendas de campaña = tents
¿dónde puedo guardar mis muebles? = storage_room
¿dónde podemos ducharnos? = washing_place
necesito a alguien que cuide a mis hijos = childcare
¿alguien puede recoger a mi hija del colegio? = school_run
mi hijo necesita ayuda con las matemáticas = tutoring
pañales talla 4 = baby_things
busco quien cuide a mi abuela por las noches = elder_care
puedo cuidar perros = pets
pienso para mis perros = pet_food
mi gato está enfermo, necesito un veterinario = vet
se ha escapado mi perro = animal_rescue
puedo traducir del árabe = interpreting
necesito traducir un certificado = translating
necesito intérprete de lengua de signos = sign_language
clases de español para recién llegados = language_lessons
ayuda para rellenar el formulario del padrón = papers
necesito un abogado = legal_advice
tengo que renovar el permiso de residencia = asylum
¿cómo pido el ingreso mínimo? = benefits
ayuda con la reclamación al seguro = money
busco trabajo = work
mi ordenador no enciende = digital
no tengo internet en casa = internet
¿alguien me deja un portátil para las clases? = devices
necesito imprimir unos papeles = printing
¿dónde puedo cargar el móvil? = charging
no tenemos luz, ¿alguien tiene un generador? = power
necesito leña para la estufa = heaters
hacen falta linternas y pilas = lights
nos hemos quedado sin gasolina = fuel
se nos ha inundado el sótano, hace falta una bomba de agua = pumping
hacen falta manos para quitar escombros = digging
tengo un dron para la búsqueda = searching
tengo una barca = boats
necesitamos sacos de arena = sandbags
hay grietas en la pared, ¿puede verlo un arquitecto? = building_check
ha caído un árbol en la calle, ¿alguien con motosierra? = trees
no encuentro a mi familia, ayudadme a localizar a mis padres = reunite
puedo coordinar voluntarios = organising
puedo atender el teléfono = office
puedo clasificar ropa y preparar cajas = sorting
puedo hacer turnos en el albergue = running_shelter
hay saqueos, hace falta gente para vigilar = watch
tenemos un local libre para reuniones = venue
"""

MORE_ENGLISH = """
my husband is diabetic and we are running low on insulin = medicine
could somebody drop by the chemist for my dad's pills = medicine
gran sprained her ankle, can anyone bandage it = first_aid
i have a small child and no nappies left in size 3 = baby_things
is someone driving to the city centre tomorrow morning = transport
lift needed for two people to the vaccination centre = transport
our house is gone, we need a roof for a family of five = shelter
we can host a couple with a cat in our guest room = shelter
the toilet is clogged and everything floods = plumbing
electricity keeps tripping, need someone who understands fuse boxes = electrics
need hands to shovel mud out of the shop = cleaning
does anybody speak Ukrainian = interpreting
I'm a retired solicitor = legal_advice
my phone battery is dead and I can't call anyone = charging
can someone charge my powerbank = charging
we have two spare tents = tents
I have a chainsaw and can clear trees = trees
can lend a generator for the night = power
hot meals for the elderly in our block = food
mum with dementia can't be alone tonight = elder_care
looking for childminder during the assembly = childcare
walk my dog while I'm in hospital please = pets
kitten trapped behind the wall = animal_rescue
forms from social services I don't understand = papers
filling in the unemployment application = benefits
someone must check whether our building can collapse = building_check
excavator with driver available = digging
can offer my warehouse for donations = storage_room
we have a kayak and life jackets = boats
my old mother has not been heard of since the quake, how can I find her = reunite
wifi at the evacuation centre is down = internet
bring toothpaste and shampoo = hygiene
winter jackets for teenagers = clothes
need camp beds and duvets = bedding
baby bottle and powdered milk = baby_food
gas canister for cooking = heaters
piano lessons for kids = tutoring
our basement is under water = pumping
person on crutches needs help getting down the stairs = mobility_aids
lonely old man would love a game of cards = company
"""

MORE_SPANISH = """
se me acaba la insulina = medicine
¿alguien pasa por la farmacia? = medicine
mi madre se ha quemado la mano, necesita que le curen = nursing
no quedan pañales para el niño = baby_things
¿quién baja mañana a la ciudad en coche? = transport
hay que llevar a mi abuelo a diálisis = transport
nos hemos quedado sin casa, somos cinco = shelter
podemos acoger a una familia = shelter
el váter está atascado = plumbing
salta el diferencial todo el rato = electrics
hacen falta palas y gente para sacar lodo = cleaning
¿alguien habla ucraniano? = interpreting
soy abogada jubilada = legal_advice
me he quedado sin batería en el móvil = charging
presto un generador = power
tengo dos tiendas de campaña = tents
tengo motosierra = trees
comida caliente para los mayores del bloque = food
mi madre con alzheimer no puede quedarse sola esta noche = elder_care
canguro para el sábado = childcare
sacar a pasear a mi perra mientras estoy ingresada = pets
un gatito atrapado detrás de la pared = animal_rescue
no entiendo los papeles del ayuntamiento = papers
solicitar el paro = benefits
¿alguien puede revisar si el edificio aguanta? = building_check
tengo una retroexcavadora = digging
ofrezco una nave para guardar donaciones = storage_room
kayak y chalecos salvavidas = boats
no sabemos nada de mi tía desde el terremoto = reunite
no va el wifi del refugio = internet
pasta de dientes y champú = hygiene
chaquetas de invierno para adolescentes = clothes
colchonetas y edredones = bedding
biberones y leche en polvo = baby_food
una bombona para cocinar = heaters
clases de piano para niños = tutoring
el garaje está lleno de agua = pumping
mi abuelo necesita un andador = mobility_aids
un señor mayor quiere jugar a las cartas = company
carpintero para arreglar una puerta = carpentry
"""

# No sentence of these speaks of any help.
SMALL_TALK = """
see you at the meeting on Tuesday | good night all | the bus was late
my child's birthday is on Sunday | how are you? | I'll be there at five | thanks for yesterday
what time is it? | who is on duty tonight? | the film was great | I agree with Marta
the weather is awful today | let's talk tomorrow | I have two sisters | what do you think?
it was a long day | congratulations on the wedding | we won the match
the meeting has been moved to Thursday | nobody told me | I don't understand | where are you from?
happy new year everyone | that sounds right | I live on the third floor | my name is Peter
see you later | sorry I'm late | who else is coming? | I read it in the newspaper | nos vemos luego
buenas noches a todos | ¿qué hora es? | la reunión es el martes | feliz cumpleaños, Marta
no entiendo nada | ¿de dónde eres? | ha sido un día largo | qué calor hace hoy
mi hermana vive aquí | llegaré a las cinco | gracias por lo de ayer | hemos ganado el partido
estoy de acuerdo con Luis | perdón por el retraso | ¿quién más viene? | lo leí en el periódico
me llamo Pedro | vivo en el tercer piso | hasta mañana
"""
