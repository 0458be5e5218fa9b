use super::{Message, Question, Texts};

pub(super) const TEXTS: Texts = Texts {
    confirm_address: Question {
        message: Message {
            title: "Confirme su dirección",
            text: "Pulse el botón para confirmar que esta dirección de correo es suya.",
        },
        button: "Confirmar la dirección",
    },
    cancel_address_change: Question {
        message: Message {
            title: "Conservar la dirección actual",
            text: "Alguien pidió cambiar la dirección de correo de su cuenta. Si no fue usted, pulse el botón: el \
                   cambio se cancela y su cuenta conserva la dirección actual.",
        },
        button: "Cancelar el cambio",
    },
    reset_password: Question {
        message: Message {
            title: "Elija una contraseña nueva",
            text: "Cuando la cambie, se cerrará la sesión en todos los dispositivos conectados a su cuenta.",
        },
        button: "Cambiar la contraseña",
    },

    new_password: "Contraseña nueva",
    new_password_again: "Repita la contraseña nueva",
    password_hint: "Al menos 8 caracteres. Unas cuantas palabras poco comunes forman una buena contraseña.",

    address_confirmed: Message {
        title: "Su dirección está confirmada",
        text: "Todo listo. Ya puede cerrar esta página.",
    },
    address_change_cancelled: Message {
        title: "El cambio se canceló",
        text: "Su cuenta conserva la dirección actual. Si usted no pidió el cambio, quizá otra persona conozca su \
               contraseña: elija una nueva.",
    },
    password_reset: Message {
        title: "Se cambió su contraseña",
        text: "Se cerró la sesión en todos los dispositivos. Inicie sesión con la contraseña nueva.",
    },

    link_void: Message {
        title: "Este enlace ya no funciona",
        text: "Ya se usó, caducó o llegó incompleto. Si acaba de usarlo, todo está bien. Si no, pida otro correo y \
               abra el enlace del más reciente.",
    },
    address_taken: Message {
        title: "Esta dirección es de otra cuenta",
        text: "Entretanto, otra cuenta confirmó esta dirección y la suya no puede usarla. Su cuenta conserva la \
               dirección actual.",
    },
    unreadable: Message {
        title: "No pudimos leer lo que se envió",
        text: "Por favor, abra una vez más el enlace del correo.",
    },
    too_often: Message { title: "Demasiados intentos", text: "Espere un minuto y vuelva a intentarlo." },
    unavailable: Message {
        title: "Vuelva a intentarlo en un momento",
        text: "El servicio no puede hacerlo ahora mismo.",
    },
    failed: Message {
        title: "Algo falló de nuestra parte",
        text: "Lo sentimos. Vuelva a intentarlo más tarde.",
    },

    password_too_short: "Use al menos 8 caracteres.",
    password_too_long: "Use como máximo 128 caracteres.",
    password_invalid_characters: "No use caracteres de control, como tabulaciones y saltos de línea.",
    password_too_weak: "Esta contraseña es fácil de adivinar. Use una más larga, con unas cuantas palabras poco \
                        comunes, por ejemplo.",
    passwords_differ: "Las dos contraseñas no son iguales.",
    password_refused: "Esta contraseña no se puede usar. Por favor, elija otra.",
};
